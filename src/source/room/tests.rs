//! What a listener and a viewer of the room would notice.
