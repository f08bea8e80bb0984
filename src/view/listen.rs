//! Where the page is served: the address and port that are listened on, and the URL that is told.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use super::guard::literal;
use super::{DEFAULT_PORT, ViewParameters};
use crate::error::{Error, Kind, Result};

/// Ports tried after the default one.
const MORE_PORTS: u16 = 10;

/// A listener on `address` at `port`: 0 for any; the default one or the first free of those after it.
///
/// # Errors
/// Where the port, or every port tried, is taken, or the address is not this machine's.
pub(super) fn listen(address: IpAddr, port: u16) -> Result<TcpListener> {
    let last = if port == DEFAULT_PORT { port + MORE_PORTS } else { port };
    let mut cause = None;
    for candidate in port..=last {
        let listener = TcpListener::bind((address, candidate))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        match listener {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                return Err(Error::new(Kind::Device, "view.listen", "this machine has no such address")
                    .value(address)
                    .bound("127.0.0.1, an address of this machine, or 0.0.0.0 for all that it has"));
            }
            Err(error) => cause = Some(error),
        }
    }
    let problem = match cause {
        Some(cause) if cause.kind() == ErrorKind::AddrInUse => "the port is taken".to_owned(),
        Some(cause) => format!("the port can't be listened on ({cause})"),
        None => "there is no port to try".to_owned(),
    };
    let tried = if last == port { port.to_string() } else { format!("{port} to {last}") };
    Err(Error::new(Kind::Device, "view.port", problem)
        .value(tried)
        .bound(format!("a free port on {address}; 0 takes any"))
        .help("End the program that has it, or set view.port=0; --no-view runs without a page."))
}

/// The page's URL for people, with the token where there is one.
pub(super) fn url(address: SocketAddr, token: Option<&str>) -> String {
    let ip = address.ip();
    let reached = if ip.is_unspecified() { outward(ip).unwrap_or(ip) } else { ip };
    let token = token.map_or_else(String::new, |token| format!("?token={token}"));
    format!("http://{}:{}/{token}", literal(reached), address.port())
}

/// This machine's address on the way to others. Nothing is sent: the system only says which it would take.
fn outward(any: IpAddr) -> Option<IpAddr> {
    // Addresses set aside for documentation (RFC 5737, RFC 3849): nobody's, but routed like anybody's.
    let other: IpAddr = match any {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((other, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Whether `name` may be a host's: letters, digits, hyphens and dots (RFC 1123, section 2.1).
fn is_name(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Checks the names of the hosts, and what goes with them.
///
/// # Errors
/// Where there are too many names or one is none, or a browser is to be opened where a token is demanded.
pub(super) fn check(parameters: &ViewParameters) -> Result<()> {
    const MOST_HOSTS: usize = 16;
    if parameters.hosts.len() > MOST_HOSTS {
        return Err(Error::configuration("view.hosts", "there are too many names")
            .value(parameters.hosts.len())
            .bound(format!("up to {MOST_HOSTS}")));
    }
    if let Some(name) = parameters.hosts.iter().find(|name| !is_name(name)) {
        return Err(Error::configuration("view.hosts", "it is not the name of a host")
            .value(format!("{name:?}"))
            .bound("letters, digits, hyphens and dots; no port and no http://"));
    }
    if parameters.open && parameters.demands_token() {
        let problem = "everybody on this machine could read the token in the browser's command line";
        return Err(Error::configuration("view.open", problem)
            .value(true)
            .bound("false, where view.listen is not the loopback address")
            .help("Open the address that is printed."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parameters: &ViewParameters) -> String {
        parameters.check().unwrap_err().to_string()
    }

    #[test]
    fn the_url_names_an_address_that_can_be_asked_and_holds_the_token() {
        assert_eq!(url("127.0.0.1:8787".parse().unwrap(), None), "http://127.0.0.1:8787/");
        let six = "[2001:db8::5]:9000".parse().unwrap();
        assert_eq!(url(six, Some("abc")), "http://[2001:db8::5]:9000/?token=abc");
        let every = url("0.0.0.0:8787".parse().unwrap(), Some("abc"));
        assert!(every.ends_with(":8787/?token=abc"), "{every}");
    }

    #[test]
    fn what_is_no_host_is_refused_by_its_key() {
        for name in ["", "a b", "http://a", "a:80", "a/b", "-a", "a..b", "é.example", &"a".repeat(254)] {
            let hosts = vec!["studio.local".to_owned(), name.to_owned()];
            let told = told(&ViewParameters { hosts, ..ViewParameters::default() });
            assert!(told.starts_with("view.hosts: ") && told.contains("allowed: letters"), "{told}");
        }
        let hosts = vec!["a".to_owned(); 17];
        assert!(
            told(&ViewParameters { hosts, ..ViewParameters::default() }).contains("17 (allowed: up to 16)")
        );
        let hosts = vec!["studio".to_owned(), "studio-2.example.org".to_owned()];
        assert!(ViewParameters { hosts, ..ViewParameters::default() }.check().is_ok());
    }

    #[test]
    fn a_browser_is_not_opened_with_a_token() {
        let listen = IpAddr::from([192, 0, 2, 5]);
        let told = told(&ViewParameters { listen, open: true, ..ViewParameters::default() });
        assert!(told.starts_with("view.open: "), "{told}");
        assert!(ViewParameters { open: true, ..ViewParameters::default() }.check().is_ok());
    }

    #[test]
    fn an_address_of_another_machine_is_refused_by_its_key() {
        // Set aside for documentation: no machine has it.
        let told = listen(IpAddr::from([203, 0, 113, 7]), 0).unwrap_err().to_string();
        assert!(told.starts_with("view.listen: this machine has no such address: 203.0.113.7"), "{told}");
    }
}
