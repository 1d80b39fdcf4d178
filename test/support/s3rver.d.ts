declare module "s3rver" {
  import type { IncomingMessage, RequestListener } from "node:http";

  type StoredObject = { bucket: string; key: string; content: IncomingMessage | Buffer };

  class S3rver {
    constructor(options: {
      directory: string;
      silent: boolean;
      vhostBuckets: boolean;
      configureBuckets: { name: string }[];
    });
    store: {
      putObject(object: StoredObject): Promise<{ size: number; md5: string }>;
      getObject(
        bucket: string,
        key: string,
        range: { start?: number; end?: number | string },
      ): Promise<unknown>;
      getResourcePath(bucket: string, key: string, resource: "object"): string;
    };
    configureBuckets(): Promise<unknown>;
    callback(): RequestListener;
  }
  export = S3rver;
}
