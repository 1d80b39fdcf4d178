/** A mapping as it was at some time. Times in milliseconds since 1970. */
export type MappingVersion = {
  /** Counts from 1 in each installation. */
  number: number;
  /** When it was saved, or first seen. */
  at: number;
  /** Who saved it; absent for a text that came from elsewhere, such as the built-in file. */
  who?: string;
  comment?: string;
  text: string;
};

export type ListedMappingVersion = Omit<MappingVersion, "text"> & { characters: number };

/** The mappings that were saved, and what was done to apply the present one to earlier calls. */
export type MappingStore = {
  /**
   * Adds the versions that follow number `after`, and removes those beyond the last 50. False when there are others after
   * it already. `isShared`: the last one becomes the mapping of all instances in the same transaction.
   */
  addMappingVersions(
    installation: string,
    after: number,
    added: { versions: readonly Omit<MappingVersion, "number">[]; isShared: boolean },
  ): Promise<boolean>;
  /** The latest first, without their texts. */
  mappingVersions(installation: string): Promise<ListedMappingVersion[]>;
  /** The latest one when `number` is absent. */
  mappingVersion(installation: string, number?: number): Promise<MappingVersion | undefined>;
  /** `body`: JSON. Of each installation there is one. */
  mappingApply(installation: string): Promise<{ body: string; updatedAt: number } | undefined>;
  saveMappingApply(installation: string, body: string, at: number): Promise<void>;
};
