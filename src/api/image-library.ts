import sharp from 'sharp';
import { BLOCKED_LOADERS } from '../contracts/photo-format.ts';

/** The image library as this process uses it: everything here that opens a picture takes it from this file. */

// libvips keeps recent files open: an upload that was removed would go on holding disk and a descriptor.
sharp.cache(false);
sharp.block({ operation: BLOCKED_LOADERS });

export { sharp };
