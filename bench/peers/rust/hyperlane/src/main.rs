//! The benchmark server on the original, hyperlane for Rust. It sends no Date, and its routes have no methods.

use std::{env, io, time::Duration};

use hyperlane::{
    APPLICATION_JSON, APPLICATION_OCTET_STREAM, CONTENT_TYPE, Context, DEFAULT_LOW_SECURITY_READ_TIMEOUT_MS, DENY,
    RequestConfig, Server, ServerConfig, ServerHook, Status, Stream, TEXT_PLAIN, X_FRAME_OPTIONS,
};
use serde::Serialize;
use tokio::runtime;

#[derive(Serialize)]
struct Message {
    message: &'static str,
    id: u32,
}

fn main() -> io::Result<()> {
    let addr = flag("-addr").unwrap_or("127.0.0.1:8080".into());
    let routes = flag("-routes").map_or(0, |n| n.parse().expect("-routes wants a number"));
    let loops = flag("-loops").map_or(1, |n| n.parse().expect("-loops wants a number"));
    let runtime = match loops {
        1 => runtime::Builder::new_current_thread().enable_all().build()?,
        n => runtime::Builder::new_multi_thread().worker_threads(n).enable_all().build()?,
    };
    runtime.block_on(async {
        let running = server(addr, routes).run().await.map_err(|error| io::Error::other(error.to_string()))?;
        running.wait().await;
        Ok(())
    })
}

/// The value after a flag of the command line.
fn flag(name: &str) -> Option<String> {
    env::args().skip_while(|arg| arg != name).nth(1)
}

fn server(addr: String, routes: usize) -> Server {
    let mut config = ServerConfig::default();
    config.set_address(addr).set_nodelay(Some(true));
    // The default would close idle connections before they are counted. This is none.
    let mut limits = RequestConfig::default();
    limits.set_read_timeout_ms(DEFAULT_LOW_SECURITY_READ_TIMEOUT_MS);

    let mut server = Server::default();
    server
        .server_config(config)
        .request_config(limits)
        .request_middleware::<RefuseBlocked>()
        .response_middleware::<DenyFrames>()
        .route::<Plaintext>("/plaintext")
        .route::<Json>("/json")
        .route::<User>("/users/{id}")
        .route::<Echo>("/echo")
        .route::<Sleep>("/sleep/{ms}");
    for i in 0..routes {
        further(&mut server, i);
    }
    server
}

/// Adds route i of the table that bench/router generates, unless there is one with its pattern and another method.
fn further(server: &mut Server, i: usize) {
    let resource = format!("/service{}/resource{}", i / 5 % 100, i / 500);
    match i % 5 {
        0 => server.route::<Plaintext>(resource),
        2 => server.route::<Plaintext>(resource + "/{id}"),
        4 => server.route::<Plaintext>(resource + "/{id}/parts/{part}"),
        _ => server,
    };
}

/// Makes hooks of functions: each is a type without fields that does what its function says.
macro_rules! hook {
    ($(#[$doc:meta])* $name:ident, |$stream:ident, $ctx:ident| $handle:block) => {
        $(#[$doc])*
        struct $name;

        impl ServerHook for $name {
            async fn new(_: &mut Stream, _: &mut Context) -> Self {
                Self
            }

            async fn handle(self, $stream: &mut Stream, $ctx: &mut Context) -> Status $handle
        }
    };
}

hook!(Plaintext, |_stream, ctx| {
    ctx.response.set_header(CONTENT_TYPE, TEXT_PLAIN).set_body("Hello, World!");
    Status::Continue
});

hook!(Json, |_stream, ctx| {
    let body = serde_json::to_vec(&Message { message: "Hello, World!", id: 42 }).expect("it has only text and a number");
    ctx.response.set_header(CONTENT_TYPE, APPLICATION_JSON).set_body(body);
    Status::Continue
});

hook!(User, |_stream, ctx| {
    let id = ctx.get_route_param("id");
    ctx.response.set_header(CONTENT_TYPE, TEXT_PLAIN).set_body(id);
    Status::Continue
});

hook!(Echo, |_stream, ctx| {
    ctx.response.set_header(CONTENT_TYPE, APPLICATION_OCTET_STREAM).set_body(&ctx.request.body);
    Status::Continue
});

hook!(Sleep, |_stream, ctx| {
    let ms = ctx.get_route_param("ms");
    tokio::time::sleep(Duration::from_millis(ms.parse().unwrap_or(0))).await;
    ctx.response.set_header(CONTENT_TYPE, TEXT_PLAIN).set_body(ms);
    Status::Continue
});

hook!(
    /// The request middleware. Who refuses has to answer: no response middleware runs after it.
    RefuseBlocked,
    |stream, ctx| {
        if !ctx.request.has_header_value("x-client", "blocked") {
            return Status::Continue;
        }
        let answer = ctx.response.set_status_code(403).build();
        let _ = stream.try_send(answer).await;
        Status::Reject
    }
);

hook!(
    /// The response middleware. The last one sends; here it is the only one.
    DenyFrames,
    |stream, ctx| {
        let answer = ctx.response.set_header(X_FRAME_OPTIONS, DENY).build();
        match stream.try_send(answer).await {
            Ok(()) => Status::Continue,
            Err(_) => {
                stream.set_closed(true);
                Status::Reject
            }
        }
    }
);
