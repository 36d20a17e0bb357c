/** What the server says of containers, images and volumes; times are seconds since the epoch, sizes bytes. */

export interface IContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly command: string;
  readonly status: 'created' | 'running' | 'exited' | 'unknown';
  /** Of one that runs; empty where there is nothing to say. */
  readonly condition: '' | 'paused' | 'restarting' | 'health: starting' | 'healthy' | 'unhealthy';
  readonly created: number;
  readonly started: number;
  readonly finished: number;
  readonly exit_code: number | null;
  readonly oom_killed: boolean;
  readonly error: string;
  readonly removes_itself: boolean;
}

export interface IImage {
  readonly id: string;
  readonly names: readonly string[];
  readonly created: number;
  readonly size: number;
  readonly used: number;
}

export interface IVolume {
  /** Its name as the server knows it. */
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly anonymous: boolean;
  /** How many containers use it. */
  readonly used: number;
}

/** Null where the machine does not count it. */
export interface IUsage {
  readonly memory: number | null;
  readonly memory_limit: number | null;
  readonly cpu_usec: number | null;
  readonly pids: number | null;
}

export interface IUsageAnswer {
  readonly time: number;
  readonly cpus: number;
  readonly containers: { readonly [id: string]: IUsage };
}

export interface IFinding {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly cost: string;
  readonly mend: string;
}

interface IChanges<Row> {
  readonly changed: readonly Row[];
  readonly removed: readonly string[];
}

/** One message of the stream. */
export interface IStreamMessage {
  /** Where the command line is; in the first message alone. */
  readonly command?: string;
  /** Forget what was known before. */
  readonly whole?: boolean;
  /** A sentence to show instead; empty when all is well. */
  readonly problem?: string;
  readonly containers?: IChanges<IContainer>;
  readonly images?: IChanges<IImage>;
  readonly volumes?: IChanges<IVolume>;
}

/** One message of a container's output. */
export interface ILogMessage {
  readonly pieces?: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
  /** Bytes that were left out before these pieces. */
  readonly passed_over?: number;
  readonly removed?: boolean;
  readonly problem?: string;
}

/** What a new container is made from; empty texts mean "not given". */
export interface IRunRequest {
  readonly image: string;
  readonly command: string;
  readonly name: string;
  readonly memory: string;
  readonly cpus: string;
  readonly remove: boolean;
}
