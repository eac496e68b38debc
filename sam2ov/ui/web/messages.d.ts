// What page and server say to each other, from the models in sam2ov.ui.contract.
// Written by `python -m tools.page_types`: change the models, and run it again.

/** Convert the checkpoint that was uploaded last, and use it. */
export interface AddModel {
  device: string;
  preset: "quality" | "balanced" | "fast";
  memory: "upstream" | "distractor-aware";
}

/** Start another object. */
export interface AddObject {
  number: number;
  clip: string;
  kind: "add_object";
}

/** Which kept projects the page wants to hear of, by their tokens. */
export interface AskProjects {
  tokens: string[];
}

/** A box around an object, any two opposite corners; it replaces the frame's prompts. */
export interface Box {
  number: number;
  clip: string;
  object: number;
  frame: number;
  kind: "box";
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** A stroke that is painted into the object's present mask, or erased from it. */
export interface Brush {
  number: number;
  clip: string;
  object: number;
  frame: number;
  kind: "brush";
  radius: number;
  erase: boolean;
  points: [number, number][];
}

/** An object that is followed, and whether the newest picture shows it. */
export interface CameraObject {
  id: number;
  seen: boolean;
}

/**
 * What is done to the picture of the camera.
 * click: a point on `object` (`positive`) or beside it, on the picture number `frame`; remove:
 * follow `object` no more; record: begin a recording; finish: complete it, so that it can be
 * opened as what was uploaded last; leave: the camera is switched off.
 */
export interface CameraOrder {
  kind: "click" | "remove" | "record" | "finish" | "leave";
  object?: number;
  frame?: number;
  x?: number;
  y?: number;
  positive?: boolean;
}

/**
 * How it goes with a page's camera.
 * `frame` is the picture's number for prompts, -1 before the first; `server_ms` the median of
 * the time that a picture takes on the server; `recorded` the seconds of the recording, null
 * without one; `problem` what has gone wrong with it, or nothing.
 */
export interface CameraState {
  frame: number;
  objects: CameraObject[];
  fps: number;
  server_ms: number;
  recorded: number | null;
  problem: string;
}

/** Use a model, or get it first; the server knows it by one of the names that it lists. */
export interface ChooseModel {
  model: string;
  device: string;
  preset: "quality" | "balanced" | "fast";
  memory: "upstream" | "distractor-aware";
}

/** Say what class objects have in annotations; empty: what their names say. */
export interface ClassifyObjects {
  number: number;
  clip: string;
  objects: number[];
  kind: "classify_objects";
  category: string;
}

/**
 * How an object's masks are cleaned up, in this order; 0 leaves a step out.
 * Lengths are pixels of the video, areas their squares, times frames.
 */
export interface CleanUp {
  /** Fill holes of up to so many pixels (area). */
  fill_holes?: number;
  /** Remove parts of up to so many pixels (area). */
  remove_specks?: number;
  /**
   * Where the object is missing for up to so many frames, put in what lies between before and
   * after.
   */
  close_gaps?: number;
  /** Calm edges by the majority of so many frames on both sides, moved along with the object. */
  steady?: number;
  /** Round off details of up to about so many pixels. */
  smooth?: number;
  /** Move the outline outwards by so many pixels, or inwards if negative. */
  grow?: number;
  /** Width of soft edges in pixels, in mattes, cut-outs and effects; masks stay hard. */
  feather?: number;
}

/** Clean an object's masks up for being seen and exported. */
export interface CleanUpObject {
  number: number;
  clip: string;
  object: number;
  kind: "clean_up";
  clean_up: CleanUp;
}

/** Take back all prompts and masks of all objects that are not locked. */
export interface ClearAll {
  number: number;
  clip: string;
  kind: "clear_all";
}

/** Take back all prompts of an object on a frame. */
export interface ClearFrame {
  number: number;
  clip: string;
  object: number;
  frame: number;
  kind: "clear_frame";
}

/** Take back all prompts and masks of an object. */
export interface ClearObject {
  number: number;
  clip: string;
  object: number;
  kind: "clear_object";
}

/** A point on an object (`positive`) or on what does not belong to it. */
export interface Click {
  number: number;
  clip: string;
  object: number;
  frame: number;
  kind: "click";
  x: number;
  y: number;
  positive: boolean;
}

/**
 * The opened clip. `token` opens its frames at `media/<token>/<i>.jpg`.
 * `pixel_aspect` is width / height of a pixel as shown; `treatment` says what is done to its
 * pictures to show them, a line each; `has_sound` tells of a sound track. `field_order` is how
 * they are read where they have fields; None where nothing speaks for that.
 */
export interface ClipView {
  token: string;
  name: string;
  num_frames: number;
  width: number;
  height: number;
  pixel_aspect: number;
  fps: number;
  has_sound: boolean;
  treatment: string[];
  field_order: "auto" | "tff" | "bff" | "off" | null;
}

/** Close the clip; its project is kept. */
export interface Close {
  clip: string;
}

/** Take a point away, or a whole box. */
export interface DeletePoint {
  number: number;
  clip: string;
  object: number;
  frame: number;
  kind: "delete_point";
  index: number;
}

/** A file that the page fetches once, at `url` relative to the page. */
export interface DownloadView {
  url: string;
  name: string;
  bytes: number;
}

/**
 * What the editor is made with: the URL of its first module, and what may be uploaded.
 * `limits` says in words what `max_bytes`, `max_pixels` (of a frame) and `max_seconds` say in
 * numbers; unused projects are kept for `keep_days` and have up to `max_objects`.
 */
export interface EditorProps {
  script: string;
  limits: string;
  keep_days: number;
  max_bytes: number;
  max_pixels: number;
  max_seconds: number;
  max_objects: number;
  formats: FormatView[];
}

/**
 * Make a file of the masks.
 * `objects` None: all that are not hidden. `options` are the format's own, by name; those left
 * out have their defaults. `file` names the one whose file was uploaded last as an attachment.
 */
export interface Export {
  format: string;
  objects: number[] | null;
  whole_clip: boolean;
  per_object: boolean;
  keep_start: boolean;
  square_pixels: boolean;
  first_number: number | null;
  names: string;
  options: { [key: string]: boolean | number | number | string };
  file: string | null;
}

/** Find masks of everything on a frame, to choose objects from. */
export interface Find {
  clip: string;
  frame: number;
}

/**
 * A format: `suffix` is of the file that one gets, `names` a template of what is in it.
 * The stage can show it where `is_live`.
 */
export interface FormatView {
  name: string;
  label: string;
  purpose: string;
  suffix: string;
  splits: boolean;
  has_times: boolean;
  is_live: boolean;
  names: string | null;
  options: OptionView[];
}

/** A mask that was found: its rings as x, y, x, y … in video pixels, to be filled even-odd. */
export interface FoundOutline {
  area: number;
  rings: number[][];
}

/** The masks of everything on a frame; `number` is that of the finding. */
export interface FoundOutlines {
  number: number;
  frame: number;
  masks: FoundOutline[];
}

/**
 * The finding that was asked for last: the frame, and how many masks are on it.
 * `number` counts the findings of the clip; the outlines are at `media/<token>/found`.
 */
export interface FoundView {
  number: number;
  frame: number;
  count: number;
}

/**
 * A model that is being fetched and converted, while the page goes on with another.
 * `model` is empty for a checkpoint that was uploaded.
 */
export interface GettingView {
  model: string;
  job: JobView;
}

/** Leave objects out of view and out of exports, or bring them back. */
export interface HideObjects {
  number: number;
  clip: string;
  objects: number[];
  kind: "hide_objects";
  hidden: boolean;
}

/** What a click at a place in video pixels would give an object, or take from it. */
export interface Hover {
  object: number;
  x: number;
  y: number;
  positive: boolean;
}

/**
 * A long operation: `done` of `total` (0: unknown) in `unit`, and what the clock says.
 * `sharing` others use the model now; `waiting` of them stand before it in the queue, None
 * while it works.
 */
export interface JobView {
  kind: "track" | "export" | "load" | "find";
  label: string;
  done: number;
  total: number;
  unit: string;
  per_second: number | null;
  seconds_left: number | null;
  cancelling: boolean;
  sharing: number;
  waiting: number | null;
}

/** A kept project: `used` is in seconds since the epoch, `bytes` all that it takes. */
export interface KeptProject {
  token: string;
  name: string;
  is_sample: boolean;
  is_open: boolean;
  used: number;
  days_left: number;
  frames: number;
  width: number;
  height: number;
  bytes: number;
  clip_bytes: number;
  journal_bytes: number;
}

/** The projects that were asked for, the one used last first, and what all projects take. */
export interface KeptProjects {
  projects: KeptProject[];
  used_bytes: number;
  keep_bytes: number;
  keep_days: number;
}

/**
 * An object's lane: per bin the least confidence in percent, and where it is absent.
 * `absent` are ranges of frames, as in "0-36,50-96".
 */
export interface Lane {
  confidence: (number | null)[];
  absent: string;
}

/** The lanes of all objects that have results, by id. */
export type Lanes = { [key: string]: Lane };

/** Protect objects from prompts and tracking, or not any more. */
export interface LockObjects {
  number: number;
  clip: string;
  objects: number[];
  kind: "lock_objects";
  locked: boolean;
}

/**
 * An export that the stage shows: a format's name and its options; those left out are usual.
 * `objects` are all that are not hidden, or those with these numbers.
 */
export interface Look {
  format: string;
  options: { [key: string]: boolean | number | number | string };
  objects: "all" | number[];
}

/** All masks of a frame, `png` in base64: `overlay.Overlay`. */
export interface MaskView {
  frame: number;
  png: string;
  objects: [number, number][];
}

/**
 * A model that can be chosen.
 * Accuracies are J&F in percent as their authors publish them. `download_bytes` is 0 where
 * nothing has to be fetched. `seconds` are those of a frame with one object; `is_measured`
 * tells whether this very model was run. `by_hand` says which file to put where, where there is
 * no network. `problem` says why it cannot run with the preset.
 */
export interface ModelCard {
  name: string;
  title: string;
  description: string;
  is_here: boolean;
  licence: string | null;
  parameters: number | null;
  download_bytes: number;
  disk_bytes: number;
  sa_v_test: number | null;
  mose_val: number | null;
  davis_2017_val: number | null;
  seconds: number | null;
  is_measured: boolean;
  by_hand: string;
  problem: string;
}

/**
 * The models, for the preset and the device that were asked for, and what goes for all.
 * `notes` say what came of the preset that is in use with the model in use, `needs` what the
 * preset that was asked for lacks on this server. While `is_measuring`, seconds are on their
 * way. `may_fetch` tells whether the server gets models for its pages, `most_bytes` how large a
 * checkpoint it takes from them: 0 where it takes none.
 */
export interface ModelList {
  models: ModelCard[];
  presets: PresetCard[];
  devices: string[];
  notes: string[];
  needs: string;
  is_measuring: boolean;
  speed_problem: string;
  may_fetch: boolean;
  most_bytes: number;
}

/** The model in use: what it is asked for by, what it is called, and how it runs. */
export interface ModelView {
  name: string;
  title: string;
  device: string;
  preset: "quality" | "balanced" | "fast";
  memory: "upstream" | "distractor-aware";
  is_demonstration: boolean;
}

/** Put an object at another place of the list, counted from 0. */
export interface MoveObject {
  number: number;
  clip: string;
  object: number;
  kind: "move_object";
  position: number;
}

/** Move a point or the corner of a box; `index` counts as `messages.PromptView.points`. */
export interface MovePoint {
  number: number;
  clip: string;
  object: number;
  frame: number;
  kind: "move_point";
  index: number;
  x: number;
  y: number;
}

/** An object. `tracked` and `stale` are ranges of frames, as in "0-36,50-96". */
export interface ObjectView {
  id: number;
  name: string;
  colour: string;
  hidden: boolean;
  locked: boolean;
  clean_up: CleanUp;
  category: string;
  prompts: { [key: string]: PromptView };
  tracked: string;
  stale: string;
}

/**
 * Open what was uploaded last (a clip or a project file), the sample, or a kept project.
 * With `field_order`, a kept project's clip is read in this way from now on.
 */
export interface Open {
  source: "upload" | "sample" | "project";
  project?: string | null;
  field_order?: "auto" | "tff" | "bff" | "off" | null;
}

/** Take prompts or masks from the attachment that was uploaded last. */
export interface OpenPrompts {
  masks: "first" | "all";
}

/**
 * An option of a format, and what it takes.
 * `default` is null where leaving it out means something of its own, and for files. `least` and
 * `most` bound a number, `most` a text's length; null where nothing does. `step` is 1 for whole
 * numbers. `description` is for an option that the page has no words of its own for.
 */
export interface OptionView {
  name: string;
  kind: "switch" | "choice" | "number" | "text" | "colour" | "file";
  default: boolean | number | string | null;
  choices: string[];
  least: number | null;
  most: number | null;
  step: number;
  description: string;
}

/** The user looks at a frame and may click on it next, for `object`. */
export interface Prepare {
  clip: string;
  frame: number;
  object?: number | null;
}

/** A preset and what it does. */
export interface PresetCard {
  name: "quality" | "balanced" | "fast";
  description: string;
}

/**
 * What went wrong last, until its cause is gone: the next event takes it away.
 * `about` says beside which control the page shows it; `number` tells one from the next.
 */
export interface ProblemView {
  number: number;
  about: "clip" | "edit" | "track" | "export" | "prompts" | "project" | "model";
  text: string;
}

/** The open project; `token` opens it again. */
export interface ProjectView {
  token: string;
  name: string;
}

/**
 * A frame's prompts of one object.
 * `points` are (x, y, label) in video pixels with the labels of `sam2ov.values.prompts.Label`;
 * `has_mask` says that a mask was given.
 */
export interface PromptView {
  points: [number, number, number][];
  has_mask: boolean;
}

/** In and out points, both included. */
export interface RangeView {
  first: number;
  last: number;
}

/** Give objects another colour. */
export interface RecolourObjects {
  number: number;
  clip: string;
  objects: number[];
  kind: "recolour_objects";
  colour: string;
}

/** Do the step again that was taken back last. */
export interface Redo {
  number: number;
  clip: string;
  kind: "redo";
}

/** In place of the first snapshot: the server takes no more pages; `full` says what to do. */
export interface Refusal {
  full: string;
}

/** Remove objects with their prompts and results. */
export interface RemoveObjects {
  number: number;
  clip: string;
  objects: number[];
  kind: "remove_objects";
}

/** Give an object another name. */
export interface RenameObject {
  number: number;
  clip: string;
  object: number;
  kind: "rename_object";
  name: string;
}

/** A `sam2ov.project.review.ReviewItem`. */
export interface ReviewEntry {
  frame: number;
  objects: number[];
  reason: "unsure" | "jumped" | "resized" | "grown" | "lost" | "returned" | "merged" | "swapped" | "cut";
  severity: number;
  frames: number;
}

/**
 * The frames most worth correcting, the worst first.
 * `is_calibrated`: the model's confidence was compared with true masks.
 */
export interface ReviewList {
  items: ReviewEntry[];
  is_calibrated: boolean;
}

/** Make a file of the project. */
export interface Save {
  with_clip: boolean;
}

/** Make a file of the prompts of all objects. */
export interface SavePrompts {
}

/**
 * In place of a snapshot: the server does not know the page (any more) and waits for its hello.
 * The event has done nothing.
 */
export interface SayHello {
  unknown: boolean;
}

/** Set the in and out points, both included; without them the whole clip is meant. */
export interface SetRange {
  number: number;
  clip: string;
  kind: "set_range";
  first: number | null;
  last: number | null;
}

/**
 * The state of one browser tab.
 * `seq` grows with every snapshot, `revision` whenever masks that the page may hold have become
 * outdated. `edits` is the highest number of an answered edit; `opened` counts the answered
 * requests to open a clip, with or without success. `show_frame` asks the page to go to a
 * frame. `upload` opens the way for a clip at `media/<upload>/clip`. `undo` and `redo` say what
 * they would do.
 */
export interface Snapshot {
  seq: number;
  edits: number;
  opened: number;
  upload: string;
  clip: ClipView | null;
  objects: ObjectView[];
  revision: number;
  range: RangeView | null;
  undo: string | null;
  redo: string | null;
  project: ProjectView | null;
  model: ModelView;
  getting: GettingView | null;
  job: JobView | null;
  mask: MaskView | null;
  found: FoundView | null;
  show_frame: number | null;
  download: DownloadView | null;
  problem: ProblemView | null;
}

/**
 * Make objects of masks that were found on a frame.
 * `found` is the number of the finding, `chosen` are indices of its masks.
 */
export interface TakeFound {
  number: number;
  clip: string;
  kind: "take_found";
  found: number;
  chosen: number[];
}

/** Track objects from the prompts around `frame`; `objects` None: all not locked. */
export interface Track {
  clip: string;
  frame: number;
  direction: "forward" | "backward" | "both" | "frame";
  objects?: number[] | null;
}

/** Take back the last step. */
export interface Undo {
  number: number;
  clip: string;
  kind: "undo";
}

/** What is done to the open clip, in steps. */
export type Edit =
  | Click
  | Box
  | Brush
  | MovePoint
  | DeletePoint
  | ClearFrame
  | ClearObject
  | ClearAll
  | AddObject
  | RenameObject
  | RecolourObjects
  | ClassifyObjects
  | HideObjects
  | LockObjects
  | CleanUpObject
  | MoveObject
  | RemoveObjects
  | SetRange
  | TakeFound
  | Undo
  | Redo;
