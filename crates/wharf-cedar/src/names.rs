//! What types, actions and entities are called.

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

/// The names of the schema, read once.
pub(crate) struct Names {
    pub(crate) caller: EntityTypeName,
    pub(crate) group: EntityTypeName,
    pub(crate) tool: EntityTypeName,
    pub(crate) source: EntityTypeName,
    pub(crate) tag: EntityTypeName,
    pub(crate) stranger: EntityUid,
    pub(crate) call_tool: EntityUid,
    pub(crate) read_source: EntityUid,
}

impl Names {
    pub(crate) fn new() -> Self {
        let action = of("Wharf::Action");
        Self {
            caller: of("Wharf::Caller"),
            group: of("Wharf::Group"),
            tool: of("Wharf::Tool"),
            source: of("Wharf::Source"),
            tag: of("Wharf::Tag"),
            stranger: entity(&of("Wharf::Stranger"), "stranger"),
            call_tool: entity(&action, "call_tool"),
            read_source: entity(&action, "read_source"),
        }
    }
}

fn of(name: &str) -> EntityTypeName {
    name.parse().expect("each name is written above")
}

/// The entity of this type and id.
pub(crate) fn entity(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
