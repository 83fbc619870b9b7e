"""What schemathesis cannot know by itself: bytes of an upload are bytes."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
