//! IP addresses and networks: `request.source.address in cidr("10.0.0.0/8")`.

use std::any::Any;
use std::net::IpAddr;

use cel::common::traits::Container;
use cel::common::types::{CelString, Kind, Type};
use cel::common::value::{StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use ipnet::IpNet;

static IP: Type = Type::simple_type(Kind::Opaque, "ip");
static CIDR: Type = Type::simple_type(Kind::Opaque, "cidr");

/// An address; one of IPv4 that is written as IPv6 is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ip(IpAddr);

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cidr(IpNet);

pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(environment, fn ip: (CelString) -> Result<Ip>)?;
    cel::add_overload!(environment, fn cidr: (CelString) -> Result<Cidr>)
}

fn ip(text: &CelString<'_>) -> Result<Ip, ExecutionError> {
    let address: IpAddr =
        text.inner().parse().map_err(|_| ExecutionError::function_error("ip", "not an IP address"))?;
    Ok(Ip(address.to_canonical()))
}

/// Bits beyond the prefix are a mistake: `10.1.0.0/8` may have meant `10.1.0.0/16`.
fn cidr(text: &CelString<'_>) -> Result<Cidr, ExecutionError> {
    let network: Option<IpNet> = text.inner().parse().ok();
    let network = network.filter(|network| network.addr() == network.network());
    network
        .map(Cidr)
        .ok_or_else(|| ExecutionError::function_error("cidr", "not a network such as 10.0.0.0/8"))
}

impl Val for Ip {
    fn get_type(&self) -> &Type {
        &IP
    }

    fn cel_type() -> &'static Type {
        &IP
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>() == Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Ip {}

impl Val for Cidr {
    fn get_type(&self) -> &Type {
        &CIDR
    }

    fn cel_type() -> &'static Type {
        &CIDR
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>() == Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Cidr {}

impl Container for Cidr {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        let address = match value.downcast_ref::<CelString<'_>>() {
            Some(text) => ip(text)?,
            None => *value
                .downcast_ref::<Ip>()
                .ok_or_else(|| ExecutionError::function_error("in", "not an IP address"))?,
        };
        Ok(self.0.contains(&address.0))
    }
}
