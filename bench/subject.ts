/** A subject can be measured again and again within one process. */

/** The figures of one run, by names that carry their units. */
export type Figures = Record<string, number>;

export interface Subject {
  /** What the report says beside the figures, such as versions and configurations. */
  notes?: readonly string[];
  /** Makes one run. `index` is -1 for the warm-up, whose figures are not kept, then 0, 1, ... */
  run(index: number): Promise<Figures>;
  close(): Promise<void>;
}

export interface SubjectContext {
  /** Makes runs shorter, for trying things out. */
  isQuick: boolean;
}

export type OpenSubject<Options> = (options: Options, context: SubjectContext) => Promise<Subject>;
