/** Shows the demo as lines, as JSON, or as a picture on a terminal. */
import type { Play, PlayListener } from './play.js';
import type { Stage } from './stage.js';

export interface Presenter extends PlayListener {
  /** Called before there is anything to see. */
  opening(): void;
  opened(stage: Stage, play: Play): void;
  /** The director has new statistics. */
  sampled(): void;
  /** Says the last word, before the stage is taken down; `scenes` have been played to their end. */
  ended(isFine: boolean, scenes: number): void;
  /** Always called, even after an error. Calling it twice is fine. */
  close(): void;
}
