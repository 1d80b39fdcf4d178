/** A call that the CRM refused. Times in milliseconds since 1970. */
export type DeadCall = { id: number; key: string; installation: string; reason: string; diedAt: number };

/** `after`: only larger ids, the smallest first; without it the largest first. `notIn`: a retry that has taken them. */
export type DeadSearch = {
  installation?: string;
  after?: number;
  before?: number;
  notIn?: string;
  limit: number;
};

/** Where the calls of a retry are now. `other`: they are not to be logged any more. */
export type RetriedCounts = { waiting: number; logged: number; dead: number; other: number };

/** A retry of all dead calls that match. */
export type StoredRetry = {
  id: string;
  /** Absent for all. */
  installation?: string;
  /** The group of reasons; absent for all. */
  failure?: string;
  /** The name of the person who started it. */
  startedBy: string;
  createdAt: number;
  /** The id of the last call that was looked at; 0 at the start of each pass. */
  place: number;
  /** How many calls were not retried, because it was cancelled; -1 until they are counted. */
  cancelled?: number;
  endedAt?: number;
  /** Of one that has ended. */
  counts?: RetriedCounts;
};

/** `place`: the id of the last call that was looked at; 0 when there are no more. */
export type RetriedCalls = { calls: readonly number[]; place: number; now: number };

/** From then on, a group of an installation is hidden until another call falls into it. */
export type IgnoredFailure = { installation: string; failure: string; at: number };

/** Dead calls, and retries of many of them. */
export type FailureStore = {
  deadCalls(search: DeadSearch): Promise<DeadCall[]>;
  /** Returns the one that is under way with the same filter, if there is one. */
  addRetry(
    retry: Pick<StoredRetry, "id" | "installation" | "failure" | "startedBy" | "createdAt">,
  ): Promise<string>;
  retryById(id: string): Promise<StoredRetry | undefined>;
  /** The latest first, of one installation if it is given. */
  retries(installation?: string): Promise<StoredRetry[]>;
  /** Those that have not ended, the oldest first. */
  openRetries(): Promise<StoredRetry[]>;
  retriedCounts(id: string): Promise<RetriedCounts>;
  /** Makes dead calls due, each once in a retry, and none of one that was cancelled. Returns how many. */
  retryCalls(id: string, retried: RetriedCalls): Promise<number>;
  /** False when it has ended or was cancelled before. From then on it makes no more calls due. */
  cancelRetry(id: string): Promise<boolean>;
  countCancelled(id: string, cancelled: number): Promise<void>;
  /** Notes where its calls are, once none waits any more. */
  endRetry(id: string, counts: RetriedCounts, now: number): Promise<void>;
  ignoreFailure(ignored: IgnoredFailure): Promise<void>;
  /** False when it was not ignored. */
  showFailure(installation: string, failure: string): Promise<boolean>;
  ignoredFailures(installation?: string): Promise<IgnoredFailure[]>;
};
