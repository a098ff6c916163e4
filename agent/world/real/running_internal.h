// A reactor on its own thread and a server that notes what it is asked. For this room's tests only.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <span>
#include <thread>

#include "agent/base/connector_settings.h"
#include "agent/world/real/command.h"
#include "agent/world/real/http_server.h"

#include "agent/world/real/real_world.h"

namespace medic::world_test {

// A reactor on its own thread, and helpers that wait for one answer. The deadline is generous: it only ends a broken
// test.
struct Running {
    Reactor reactor;
    HttpFetcher fetcher{reactor, {}};
    std::thread thread{[this] { reactor.run(); }};
    ~Running() {
        reactor.stop();
        thread.join();
    }
    template <class T, class Start>
    Result<T> wait(Start start) {
        auto promise = std::make_shared<std::promise<Result<T>>>();
        auto future = promise->get_future();
        reactor.post([=] { start([promise](Result<T> result) { promise->set_value(std::move(result)); }); });
        if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
            return fail(ErrorCode::internal, "the test waited too long");
        return future.get();
    }
    Result<FetchReply> fetch(FetchRequest request) {
        return wait<FetchReply>([&, request](auto done) { fetcher.fetch(request, done); });
    }
    Result<CommandReply> run(CommandRequest request) {
        return wait<CommandReply>([&, request](auto done) { run_command(reactor, request, done); });
    }
};

struct Server {
    std::mutex mutex;
    std::vector<std::string> seen;  // "METHOD target body"
    std::unique_ptr<HttpServer> server;
    explicit Server(HttpHandler handler, int threads = 0) {
        HttpServerOptions options;
        options.handler_threads = threads;
        options.upload_path = "/jars/upload";
        options.upload_bytes_max = 1 << 20;
        server = HttpServer::start(options, [this, handler](const HttpRequest& request) {
                     {
                         const std::lock_guard lock(mutex);
                         seen.push_back(request.method + " " + request.target + " " + request.body);
                     }
                     return handler(request);
                 }).value();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
};

inline HttpResponse answer(int status, std::string body) {
    return {.status = status, .body = std::move(body), .content_type = "application/json", .headers = {}};
}

// One that takes a request and answers nobody before it is let go.
struct SilentServer {
    std::promise<void> let_go;
    Server server{[released = let_go.get_future().share()](const HttpRequest&) {
                      released.wait();
                      return answer(200, "");
                  },
                  1};
    [[nodiscard]] std::string url() const { return server.url(); }
    void release() { let_go.set_value(); }
};

}  // namespace medic::world_test
