import type { ActorId } from '../../wire.ts';
import type { InstanceHistory, Lane } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import type { TimeWindow } from './time-window.ts';

/** What the lanes are drawn from. */
export interface LanesProps {
  readonly lanes: readonly Lane[];
  /** Where lanes of instances are wanted below those of plugins: what they are made from. */
  readonly instancesOf?: ((id: ActorId) => InstanceHistory) | undefined;
  readonly calls: ReadonlyMap<ActorId, readonly CallBar[]>;
  /** The end of what is known, in milliseconds since the epoch. */
  readonly until: number;
  /** The instant that is looked at; undefined: live. */
  readonly cursor: number | undefined;
  /** The part of time that is measured and filtered by. */
  readonly range: TimeWindow | undefined;
  readonly selected: ActorId | undefined;
  readonly onCursor: (at: number | undefined) => void;
  readonly onRange: (range: TimeWindow | undefined) => void;
  readonly onSelect: (id: ActorId) => void;
  /** A call of this actor is chosen. */
  readonly onCall: (id: ActorId, call: string) => void;
}

/** What the drawn lanes need beside that. */
export interface DrawingProps extends LanesProps {
  readonly window: TimeWindow;
  readonly onWindow: (window: TimeWindow) => void;
  readonly onZoom: (factor: number) => void;
  /** When the first of what is remembered began. */
  readonly first: number;
}
