import { list, s3Folders, settingOf, text } from './setting.ts';

const setting = settingOf('Places');

/** Directories of this host, and where calls may read photos and write results. */
export const PLACE_SETTINGS = {
  DATA_DIR: setting(text, '', 'Where photos, results and Temporal’s database live. Empty: the user’s data directory.'),
  CACHE_DIR: setting(text, '', 'Where models and the Temporal server are kept. Empty: the user’s cache directory.'),
  SCRATCH_DIR: setting(text, '', 'Where photos under way are kept. Empty: `scratch` inside DATA_DIR.'),
  MODEL_MIRROR: setting(text, '', 'Directory that is asked for model files before the network.'),
  SOURCE_ROOTS: setting(
    list,
    '',
    'Comma-separated folders below which API calls may read photos and write results. Empty: the folder Darkroom was started in when HOST is loopback, else none. `none`: none.',
  ),
  S3_SOURCES: setting(
    s3Folders,
    '',
    'Comma-separated places in buckets (`s3://bucket/prefix`) below which API calls may read photos, with the credentials of the worker and the API. Empty: none.',
  ),
  S3_DESTINATIONS: setting(s3Folders, '', 'The same for results of API calls (`s3://bucket/prefix`). Empty: none.'),
};
