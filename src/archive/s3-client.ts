import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Settings } from "./s3-settings.ts";

type Sdk = typeof import("@aws-sdk/client-s3");
export type S3Connection = { sdk: Sdk; client: S3Client };

const connectMs = 10_000;
/** Each listener holds a connection, also while paused. */
const mostConnections = 500;

/** Loaded when it is needed: whoever keeps recordings in a folder, or not at all, does without its 35 MB of memory. */
export async function connectS3(settings: S3Settings): Promise<S3Connection> {
  const sdk = await import("@aws-sdk/client-s3");
  const { region, endpoint, accessKeyId, secretAccessKey } = settings;
  const client = new sdk.S3Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: settings.forcePathStyle ?? endpoint !== undefined,
    credentials: { accessKeyId, secretAccessKey },
    // Backblaze and others refuse the headers of Amazon's newer checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: connectMs,
      // A listener who is paused keeps a connection silent; what is too slow is for whoever asks to say.
      socketTimeout: 0,
      requestTimeout: 0,
      httpAgent: { maxSockets: mostConnections },
      httpsAgent: { maxSockets: mostConnections },
    },
    logger: silent,
    ...nothingFromOutside,
  });
  return { sdk, client };
}

const nothing = (): void => {};
/** Without one the SDK writes to the console; what goes wrong is thrown as well. */
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** All that the SDK would otherwise read from the environment and from files in the home folder. */
const nothingFromOutside: S3ClientConfig = {
  ignoreConfiguredEndpointUrls: true,
  defaultsMode: "standard",
  retryMode: "standard",
  maxAttempts: 3,
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  useArnRegion: false,
  disableMultiregionAccessPoints: true,
  disableS3ExpressSessionAuth: true,
  disableClockSkewCorrection: false,
  authSchemePreference: ["aws.auth#sigv4"],
  sigv4aSigningRegionSet: [],
  userAgentAppId: "switchhook",
};
