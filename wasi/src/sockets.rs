//! No network: no socket is made, and no name is known.

use crate::bindings::Nothing;
use crate::bindings::exports::wasi::sockets::{
    instance_network, ip_name_lookup, network, tcp, tcp_create_socket, udp, udp_create_socket,
};
use crate::never;
use network::{ErrorBorrow, ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, NetworkBorrow};
use tcp::{Duration, InputStream, OutputStream, Pollable, ShutdownType, TcpSocket};
use udp::{
    IncomingDatagram, IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};

type Answer<T = ()> = Result<T, ErrorCode>;

/// The network as a program asks for it: nothing can be reached with it.
pub(crate) struct Network;

pub(crate) enum NoSocket {}
pub(crate) enum NoStream {}

impl network::Guest for Nothing {
    type Network = Network;

    fn network_error_code(_: ErrorBorrow<'_>) -> Option<ErrorCode> {
        None
    }
}

impl network::GuestNetwork for Network {}

impl instance_network::Guest for Nothing {
    fn instance_network() -> instance_network::Network {
        instance_network::Network::new(Network)
    }
}

impl ip_name_lookup::Guest for Nothing {
    type ResolveAddressStream = NoStream;

    fn resolve_addresses(
        _: NetworkBorrow<'_>,
        _: String,
    ) -> Answer<ip_name_lookup::ResolveAddressStream> {
        Err(ErrorCode::AccessDenied)
    }
}

impl ip_name_lookup::GuestResolveAddressStream for NoStream {
    never! {
        resolve_next_address() -> Answer<Option<IpAddress>>;
        subscribe() -> Pollable;
    }
}

impl tcp_create_socket::Guest for Nothing {
    fn create_tcp_socket(_: IpAddressFamily) -> Answer<TcpSocket> {
        Err(ErrorCode::AccessDenied)
    }
}

impl tcp::Guest for Nothing {
    type TcpSocket = NoSocket;
}

impl tcp::GuestTcpSocket for NoSocket {
    never! {
        start_bind(NetworkBorrow<'_>, IpSocketAddress) -> Answer;
        finish_bind() -> Answer;
        start_connect(NetworkBorrow<'_>, IpSocketAddress) -> Answer;
        finish_connect() -> Answer<(InputStream, OutputStream)>;
        start_listen() -> Answer;
        finish_listen() -> Answer;
        accept() -> Answer<(TcpSocket, InputStream, OutputStream)>;
        local_address() -> Answer<IpSocketAddress>;
        remote_address() -> Answer<IpSocketAddress>;
        is_listening() -> bool;
        address_family() -> IpAddressFamily;
        set_listen_backlog_size(u64) -> Answer;
        keep_alive_enabled() -> Answer<bool>;
        set_keep_alive_enabled(bool) -> Answer;
        keep_alive_idle_time() -> Answer<Duration>;
        set_keep_alive_idle_time(Duration) -> Answer;
        keep_alive_interval() -> Answer<Duration>;
        set_keep_alive_interval(Duration) -> Answer;
        keep_alive_count() -> Answer<u32>;
        set_keep_alive_count(u32) -> Answer;
        hop_limit() -> Answer<u8>;
        set_hop_limit(u8) -> Answer;
        receive_buffer_size() -> Answer<u64>;
        set_receive_buffer_size(u64) -> Answer;
        send_buffer_size() -> Answer<u64>;
        set_send_buffer_size(u64) -> Answer;
        subscribe() -> Pollable;
        shutdown(ShutdownType) -> Answer;
    }
}

impl udp_create_socket::Guest for Nothing {
    fn create_udp_socket(_: IpAddressFamily) -> Answer<UdpSocket> {
        Err(ErrorCode::AccessDenied)
    }
}

impl udp::Guest for Nothing {
    type UdpSocket = NoSocket;
    type IncomingDatagramStream = NoStream;
    type OutgoingDatagramStream = NoStream;
}

impl udp::GuestUdpSocket for NoSocket {
    never! {
        start_bind(NetworkBorrow<'_>, IpSocketAddress) -> Answer;
        finish_bind() -> Answer;
        stream(Option<IpSocketAddress>) -> Answer<(IncomingDatagramStream, OutgoingDatagramStream)>;
        local_address() -> Answer<IpSocketAddress>;
        remote_address() -> Answer<IpSocketAddress>;
        address_family() -> IpAddressFamily;
        unicast_hop_limit() -> Answer<u8>;
        set_unicast_hop_limit(u8) -> Answer;
        receive_buffer_size() -> Answer<u64>;
        set_receive_buffer_size(u64) -> Answer;
        send_buffer_size() -> Answer<u64>;
        set_send_buffer_size(u64) -> Answer;
        subscribe() -> Pollable;
    }
}

impl udp::GuestIncomingDatagramStream for NoStream {
    never! {
        receive(u64) -> Answer<Vec<IncomingDatagram>>;
        subscribe() -> Pollable;
    }
}

impl udp::GuestOutgoingDatagramStream for NoStream {
    never! {
        check_send() -> Answer<u64>;
        send(Vec<OutgoingDatagram>) -> Answer<u64>;
        subscribe() -> Pollable;
    }
}
