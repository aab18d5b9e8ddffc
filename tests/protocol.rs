//! Our text of the protocol, held against the descriptors that Envoy publishes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};

const PUBLISHED: &str = ".tools/xds/ext_authz.binpb";

/// Every message and enum of a set by its full name.
#[derive(Default)]
struct Types {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Types {
    fn of(set: FileDescriptorSet) -> Self {
        let mut types = Self::default();
        for file in set.file {
            let package = file.package().to_owned();
            for item in file.enum_type {
                types.enums.insert(format!("{package}.{}", item.name()), item);
            }
            for message in file.message_type {
                types.add(&package, message);
            }
        }
        types
    }

    fn add(&mut self, scope: &str, message: DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for item in message.enum_type.clone() {
            self.enums.insert(format!("{name}.{}", item.name()), item);
        }
        for nested in message.nested_type.clone() {
            self.add(&name, nested);
        }
        self.messages.insert(name, message);
    }
}

fn ours() -> FileDescriptorSet {
    FileDescriptorSet::decode(sessiongate::envoy::DESCRIPTORS).expect("our descriptors")
}

fn published() -> FileDescriptorSet {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PUBLISHED);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{PUBLISHED}: {error}; run `make tools`"));
    FileDescriptorSet::decode(bytes.as_slice()).expect("Envoy's descriptors")
}

#[test]
fn every_field_has_the_published_name_number_and_type() {
    let (ours, published) = (Types::of(ours()), Types::of(published()));
    let mut compared = 0;
    for (name, message) in &ours.messages {
        let theirs = published.messages.get(name).unwrap_or_else(|| panic!("{name} is not published"));
        for field in &message.field {
            let other = theirs
                .field
                .iter()
                .find(|other| other.name() == field.name())
                .unwrap_or_else(|| panic!("{name}.{} is not published", field.name()));
            let shape = |f: &prost_types::FieldDescriptorProto| {
                (f.number(), f.label(), f.r#type(), f.type_name().to_owned())
            };
            assert_eq!(shape(field), shape(other), "{name}.{}", field.name());
            let oneof = |m: &DescriptorProto, f: &prost_types::FieldDescriptorProto| {
                f.oneof_index.map(|at| m.oneof_decl[usize::try_from(at).expect("an index")].name().to_owned())
            };
            assert_eq!(oneof(message, field), oneof(theirs, other), "{name}.{}", field.name());
            compared += 1;
        }
    }
    assert!(compared >= 40, "only {compared} fields were compared");
}

#[test]
fn every_enum_has_the_published_values() {
    let (ours, published) = (Types::of(ours()), Types::of(published()));
    for name in ["envoy.type.v3.StatusCode", "envoy.config.core.v3.HeaderValueOption.HeaderAppendAction"] {
        let values = |types: &Types| -> Vec<(String, i32)> {
            let item = types.enums.get(name).unwrap_or_else(|| panic!("{name} is missing"));
            item.value.iter().map(|value| (value.name().to_owned(), value.number())).collect()
        };
        assert_eq!(values(&ours), values(&published), "{name}");
    }
}

#[test]
fn the_service_has_the_published_method() {
    let method = |set: FileDescriptorSet| {
        let file = set.file.into_iter().find(|file| file.name().ends_with("/external_auth.proto"));
        let file = file.expect("external_auth.proto");
        let service = file.service.into_iter().next().expect("a service");
        let method = service.method.into_iter().next().expect("a method");
        let name = format!(
            "{}.{}/{}",
            file.package.unwrap_or_default(),
            service.name.unwrap_or_default(),
            method.name()
        );
        (name, method.input_type().to_owned(), method.output_type().to_owned())
    };
    assert_eq!(method(ours()), method(published()));
}
