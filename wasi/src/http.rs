//! No HTTP: a request can be made up, and is denied when it is to be sent. Its parts are forgotten.

use crate::bindings::Nothing;
use crate::bindings::exports::wasi::http::{outgoing_handler, types};
use crate::never;
use types::{
    Duration, ErrorCode, FieldName, FieldValue, FutureTrailers, HeaderError, Headers, IncomingBody,
    IncomingResponse, InputStream, IoErrorBorrow, Method, OutgoingBody, OutgoingResponse,
    OutputStream, Pollable, ResponseOutparam, Scheme, StatusCode, Trailers,
};

/// Headers: there are none, whatever was set.
pub(crate) struct Fields;

/// A request that is never sent.
pub(crate) struct Request;

/// Times to wait for an answer.
pub(crate) struct Times;

pub(crate) enum NoRequest {}
pub(crate) enum NoResponse {}
pub(crate) enum NoBody {}

impl types::Guest for Nothing {
    type Fields = Fields;
    type IncomingRequest = NoRequest;
    type OutgoingRequest = Request;
    type RequestOptions = Times;
    type ResponseOutparam = NoResponse;
    type IncomingResponse = NoResponse;
    type IncomingBody = NoBody;
    type FutureTrailers = NoBody;
    type OutgoingResponse = Response;
    type OutgoingBody = NoBody;
    type FutureIncomingResponse = NoResponse;

    fn http_error_code(_: IoErrorBorrow<'_>) -> Option<ErrorCode> {
        None
    }
}

impl outgoing_handler::Guest for Nothing {
    fn handle(
        _: outgoing_handler::OutgoingRequest,
        _: Option<outgoing_handler::RequestOptions>,
    ) -> Result<outgoing_handler::FutureIncomingResponse, ErrorCode> {
        Err(ErrorCode::HttpRequestDenied)
    }
}

impl types::GuestFields for Fields {
    fn new() -> Fields {
        Fields
    }

    fn from_list(_: Vec<(FieldName, FieldValue)>) -> Result<types::Fields, HeaderError> {
        Ok(types::Fields::new(Fields))
    }

    fn get(&self, _: FieldName) -> Vec<FieldValue> {
        Vec::new()
    }

    fn has(&self, _: FieldName) -> bool {
        false
    }

    fn set(&self, _: FieldName, _: Vec<FieldValue>) -> Result<(), HeaderError> {
        Ok(())
    }

    fn delete(&self, _: FieldName) -> Result<(), HeaderError> {
        Ok(())
    }

    fn append(&self, _: FieldName, _: FieldValue) -> Result<(), HeaderError> {
        Ok(())
    }

    fn entries(&self) -> Vec<(FieldName, FieldValue)> {
        Vec::new()
    }

    fn clone(&self) -> types::Fields {
        types::Fields::new(Fields)
    }
}

impl types::GuestOutgoingRequest for Request {
    fn new(_: Headers) -> Request {
        Request
    }

    fn body(&self) -> Result<OutgoingBody, ()> {
        Err(())
    }

    fn method(&self) -> Method {
        Method::Get
    }

    fn set_method(&self, _: Method) -> Result<(), ()> {
        Ok(())
    }

    fn path_with_query(&self) -> Option<String> {
        None
    }

    fn set_path_with_query(&self, _: Option<String>) -> Result<(), ()> {
        Ok(())
    }

    fn scheme(&self) -> Option<Scheme> {
        None
    }

    fn set_scheme(&self, _: Option<Scheme>) -> Result<(), ()> {
        Ok(())
    }

    fn authority(&self) -> Option<String> {
        None
    }

    fn set_authority(&self, _: Option<String>) -> Result<(), ()> {
        Ok(())
    }

    fn headers(&self) -> Headers {
        Headers::new(Fields)
    }
}

impl types::GuestRequestOptions for Times {
    fn new() -> Times {
        Times
    }

    fn connect_timeout(&self) -> Option<Duration> {
        None
    }

    fn set_connect_timeout(&self, _: Option<Duration>) -> Result<(), ()> {
        Err(())
    }

    fn first_byte_timeout(&self) -> Option<Duration> {
        None
    }

    fn set_first_byte_timeout(&self, _: Option<Duration>) -> Result<(), ()> {
        Err(())
    }

    fn between_bytes_timeout(&self) -> Option<Duration> {
        None
    }

    fn set_between_bytes_timeout(&self, _: Option<Duration>) -> Result<(), ()> {
        Err(())
    }
}

/// A response that nobody asked for: no request arrives.
pub(crate) struct Response;

impl types::GuestOutgoingResponse for Response {
    fn new(_: Headers) -> Response {
        Response
    }

    fn status_code(&self) -> StatusCode {
        200
    }

    fn set_status_code(&self, _: StatusCode) -> Result<(), ()> {
        Err(())
    }

    fn headers(&self) -> Headers {
        Headers::new(Fields)
    }

    fn body(&self) -> Result<OutgoingBody, ()> {
        Err(())
    }
}

impl types::GuestIncomingRequest for NoRequest {
    never! {
        method() -> Method;
        path_with_query() -> Option<String>;
        scheme() -> Option<Scheme>;
        authority() -> Option<String>;
        headers() -> Headers;
        consume() -> Result<IncomingBody, ()>;
    }
}

impl types::GuestResponseOutparam for NoResponse {
    never! { send_informational(u16, Headers) -> Result<(), ErrorCode>; }

    fn set(param: ResponseOutparam, _: Result<OutgoingResponse, ErrorCode>) {
        match *param.get::<NoResponse>() {}
    }
}

impl types::GuestIncomingResponse for NoResponse {
    never! {
        status() -> StatusCode;
        headers() -> Headers;
        consume() -> Result<IncomingBody, ()>;
    }
}

impl types::GuestFutureIncomingResponse for NoResponse {
    never! {
        subscribe() -> Pollable;
        get() -> Option<Result<Result<IncomingResponse, ErrorCode>, ()>>;
    }
}

impl types::GuestIncomingBody for NoBody {
    never! { stream() -> Result<InputStream, ()>; }

    fn finish(this: IncomingBody) -> FutureTrailers {
        match *this.get::<NoBody>() {}
    }
}

impl types::GuestFutureTrailers for NoBody {
    never! {
        subscribe() -> Pollable;
        get() -> Option<Result<Result<Option<Trailers>, ErrorCode>, ()>>;
    }
}

impl types::GuestOutgoingBody for NoBody {
    never! { write() -> Result<OutputStream, ()>; }

    fn finish(this: OutgoingBody, _: Option<Trailers>) -> Result<(), ErrorCode> {
        match *this.get::<NoBody>() {}
    }
}
