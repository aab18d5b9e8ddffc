//! JSON as CEL has it, and back.

use std::borrow::Cow;
use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp,
    CelUInt,
};
use cel::common::value::Val;
use serde_json::{Map, Number, Value};

/// The value; its texts are borrowed. A number without a fraction is an `int` where that holds it.
pub(super) fn borrowed(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => self::number(number),
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(items) => Box::new(CelList::from(items.iter().map(borrowed).collect::<Vec<_>>())),
        Value::Object(members) => {
            object(members.iter().map(|(name, value)| (name.as_str(), borrowed(value))))
        }
    }
}

/// The value, which outlives what it was made of.
pub(super) fn owned<'v>(value: Value) -> Box<dyn Val + 'v> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(value)),
        Value::Number(number) => self::number(&number),
        Value::String(text) => Box::new(CelString::from(text)),
        Value::Array(items) => Box::new(CelList::from(items.into_iter().map(owned).collect::<Vec<_>>())),
        Value::Object(members) => object(members.into_iter().map(|(name, value)| (name, owned(value)))),
    }
}

pub(super) fn cow(value: Cow<'_, Value>) -> Box<dyn Val + '_> {
    match value {
        Cow::Borrowed(value) => borrowed(value),
        Cow::Owned(value) => owned(value),
    }
}

pub(super) fn object<'v, K: Into<CelMapKey<'v>>>(
    members: impl Iterator<Item = (K, Box<dyn Val + 'v>)>,
) -> Box<dyn Val + 'v> {
    Box::new(CelMap::from(members.map(|(name, value)| (name.into(), value)).collect::<HashMap<_, _>>()))
}

fn number<'v>(number: &Number) -> Box<dyn Val + 'v> {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(number), ..) => Box::new(CelInt::from(number)),
        (None, Some(number), _) => Box::new(CelUInt::from(number)),
        (None, None, Some(number)) => Box::new(CelDouble::from(number)),
        (None, None, None) => Box::new(CelNull),
    }
}

/// The value as JSON; `None` for what JSON has no form for.
pub(super) fn to_json(value: &dyn Val) -> Option<Value> {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Some(Value::from(text.inner()));
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return list
            .inner()
            .iter()
            .map(|item| to_json(item.as_ref()))
            .collect::<Option<_>>()
            .map(Value::Array);
    }
    if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        let members = map.inner().iter().map(|(key, value)| {
            let name = key.inner().downcast_ref::<CelString<'_>>()?.inner().to_owned();
            Some((name, to_json(value.as_ref())?))
        });
        return members.collect::<Option<Map<_, _>>>().map(Value::Object);
    }
    if let Some(value) = value.downcast_ref::<CelBool>() {
        return Some(Value::Bool(*value.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(Value::from(*number.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        return Some(Value::from(*number.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        return Number::from_f64(*number.inner()).map(Value::Number);
    }
    if let Some(time) = value.downcast_ref::<CelTimestamp>() {
        return Some(Value::from(time.inner().to_rfc3339()));
    }
    if let Some(duration) = value.downcast_ref::<CelDuration>() {
        return Some(Value::from(format!("{}s", duration.inner().num_seconds())));
    }
    value.downcast_ref::<CelNull>().map(|_| Value::Null)
}
