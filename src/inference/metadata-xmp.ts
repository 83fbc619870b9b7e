/**
 * XMP packets, changed as text: every property is an attribute or an element whose name has a prefix. Only names are
 * looked at, whatever the prefix; nothing is expanded or fetched.
 */

/** Properties that are no longer true of the result: they are taken out rather than corrected. */
const STALE = new Set(
  'Orientation ImageWidth ImageLength PixelXDimension PixelYDimension Thumbnails HasExtendedXMP'.split(' '),
);

/** Names of properties that tell who and where. */
const PRIVATE =
  /^(?:GPS.*|(?:.*)SerialNumber|OwnerName|CameraOwnerName|ImageUniqueID|City|State|Country|CountryCode|CountryName|ProvinceState|Sublocation|Location|LocationCreated|LocationShown|LocationName|WorldRegion|PersonInImage|PersonInImageWDetails|Regions|RegionInfo|RegionInfoMP|HostComputer|MakerNote)$/i;

/** Where one of these occurs, text is not what it seems: with privacy the packet is left out as a whole. */
const OPAQUE = /<!DOCTYPE|<!ENTITY|<!\[CDATA\[/i;

export interface XmpChanges {
  readonly privacy: boolean;
}

/** The packet for the result; `undefined` where it is left out because it cannot be changed safely. */
export function changeXmp(packet: Buffer, { privacy }: XmpChanges): Buffer | undefined {
  const text = packet.toString('utf8');
  // UTF-16 and damaged packets would come back changed.
  if (!Buffer.from(text, 'utf8').equals(packet) || text.includes('\0')) return privacy ? undefined : packet;
  if (privacy && OPAQUE.test(text)) return undefined;
  const unwanted = (name: string): boolean => STALE.has(name) || (privacy && PRIVATE.test(name));
  const changed = withoutProperties(text, unwanted);
  if (changed === undefined) return privacy ? undefined : packet;
  return Buffer.from(changed, 'utf8');
}

/** `<`, a slash, the name with its prefix. */
const TAG_START = /<(\/?)([\p{L}_][\p{L}\p{N}_.-]*):([\p{L}_][\p{L}\p{N}_.-]*)/uy;
/** An attribute with its prefix; values may hold anything but their own quotation mark. Looks only behind a space: in linear time. */
const ATTRIBUTE = /(?<=\s)[\p{L}_][\p{L}\p{N}_.-]*:([\p{L}_][\p{L}\p{N}_.-]*)\s*=\s*(?:"[^"<]*"|'[^'<]*')/gu;

/** One walk from start to end; `undefined` when elements do not close as they opened. */
function withoutProperties(text: string, unwanted: (name: string) => boolean): string | undefined {
  const kept: string[] = [];
  /** Inside an unwanted element: how deep, in elements of any name. */
  let depth = 0;
  let from = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', from)) {
    if (depth === 0) kept.push(text.slice(from, at));
    const end = endOfTag(text, at);
    if (end === undefined) return undefined;
    const tag = text.slice(at, end);
    from = end;
    if (tag.startsWith('<?') || tag.startsWith('<!')) {
      if (depth === 0) kept.push(tag);
      continue;
    }
    TAG_START.lastIndex = 0;
    const [, slash, , name = ''] = TAG_START.exec(tag) ?? [];
    const closing = slash === '/' || tag.startsWith('</');
    const empty = tag.endsWith('/>');
    if (depth > 0) {
      depth += closing ? -1 : empty ? 0 : 1;
      continue;
    }
    if (unwanted(name)) {
      if (closing) return undefined;
      depth = empty ? 0 : 1;
      continue;
    }
    kept.push(tag.replace(ATTRIBUTE, (attribute, property: string) => (unwanted(property) ? '' : attribute)));
  }
  return depth === 0 ? `${kept.join('')}${text.slice(from)}` : undefined;
}

/** Just behind the `>` of the tag that begins at `at`; a `>` inside quotation marks does not end it. */
function endOfTag(text: string, at: number): number | undefined {
  if (text.startsWith('<!--', at)) return after(text.indexOf('-->', at + 4), 3);
  if (text.startsWith('<?', at)) return after(text.indexOf('?>', at + 2), 2);
  let quote = '';
  for (let i = at + 1; i < text.length; i += 1) {
    const letter = text[i] ?? '';
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '>') return i + 1;
    else if (letter === '<') return undefined;
  }
  return undefined;
}

const after = (index: number, length: number): number | undefined => (index < 0 ? undefined : index + length);
