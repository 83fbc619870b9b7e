import { settingOf, text, whole } from './setting.ts';

const setting = settingOf('Temporal');

/** The workflow service. */
export const TEMPORAL_SETTINGS = {
  TEMPORAL_ADDRESS: setting(
    text,
    '',
    'A Temporal server to use. Empty: Temporal’s own configuration profile, else a server of our own.',
  ),
  TEMPORAL_NAMESPACE: setting(text.min(1), 'default', 'Namespace the workflows live in.'),
  TEMPORAL_PORT: setting(whole(0, 65_535), '7233', 'Port of our own Temporal server.'),
  TEMPORAL_UI_PORT: setting(whole(0, 65_535), '8233', 'Port of the Temporal Web UI of our own server.'),
  TEMPORAL_UI_URL: setting(
    text,
    '',
    'Where people find Temporal’s Web UI; the page links to it. Empty: that of our own server, else no link.',
  ),
  HEARTBEAT_TIMEOUT_MS: setting(
    whole(1000, 600_000),
    '10000',
    'A photo whose worker is silent for this long is given to another.',
  ),
};
