/** Who shows the demo: as lines, as JSON, or as a picture on a terminal. */
import type { Play, PlayListener } from './play.js';
import type { Stage } from './stage.js';

export interface Presenter extends PlayListener {
  /** Before there is anything to see. */
  opening(): void;
  opened(stage: Stage, play: Play): void;
  /** The director has new statistics. */
  sampled(): void;
  /** Before the stage is taken down; the last word. */
  ended(isFine: boolean): void;
  /** Always called, also after an error. Twice is fine. */
  close(): void;
}
