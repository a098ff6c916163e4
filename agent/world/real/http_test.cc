#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/world/real/http_client.h"
#include "agent/world/real/http_fake_internal.h"
#include "agent/world/real/http_server.h"

namespace medic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::unique_ptr<HttpServer> serve(HttpHandler handler, HttpServerOptions options = {}) {
    auto server = HttpServer::start(std::move(options), std::move(handler));
    EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
    return server ? *std::move(server) : nullptr;
}

HttpCall call_to(const HttpServer& server, std::string method, std::string target) {
    HttpCall call;
    call.method = std::move(method);
    call.url = fmt::format("http://127.0.0.1:{}{}", server.port(), target);
    return call;
}

// Sends bytes as they are and reads until the other side closes.
std::string raw_exchange(std::uint16_t port, std::string_view bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char chunk[4096];
    for (ssize_t got = 0; (got = recv(fd, chunk, sizeof chunk, 0)) > 0;)
        answer.append(chunk, static_cast<std::size_t>(got));
    close(fd);
    return answer;
}

TEST(HttpServer, HandsOverMethodDecodedPathQueryHeadersAndBody) {
    HttpRequest seen;
    auto server = serve([&](const HttpRequest& request) {
        seen = request;
        return HttpResponse{201, "made", "text/plain", {{"x-test", "yes"}}};
    });
    HttpClient client;
    HttpCall call = call_to(*server, "POST", "/connectors/a%2Fb/x%20y?expand=status&expand=info&q=1+2%263&flag");
    call.headers = {{"X-Who", "me"}};
    call.body = "hello";
    const auto reply = client.perform(call);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 201);
    EXPECT_EQ(reply->body, "made");
    EXPECT_EQ(reply->header("x-test"), "yes");
    EXPECT_EQ(reply->header("content-type"), "text/plain");
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.path, "/connectors/a/b/x y");
    EXPECT_THAT(seen.segments, ElementsAre("connectors", "a/b", "x y"));
    EXPECT_THAT(seen.query,
                ElementsAre(Pair("expand", "status"), Pair("expand", "info"), Pair("q", "1 2&3"), Pair("flag", "")));
    EXPECT_THAT(seen.query_values("expand"), ElementsAre("status", "info"));
    EXPECT_EQ(seen.query_value("absent"), std::nullopt);
    EXPECT_EQ(seen.header("x-who"), "me");
    EXPECT_EQ(seen.body, "hello");
    EXPECT_THAT(seen.peer, HasSubstr("127.0.0.1:"));
}

TEST(HttpServer, KeepsTheConnectionBetweenRequests) {
    std::vector<std::string> peers;
    auto server = serve([&](const HttpRequest& request) {
        peers.push_back(request.peer);
        return HttpResponse{};
    });
    HttpClient client;
    ASSERT_TRUE(client.perform(call_to(*server, "GET", "/1")));
    ASSERT_TRUE(client.perform(call_to(*server, "GET", "/2")));
    ASSERT_EQ(peers.size(), 2u);
    EXPECT_EQ(peers[0], peers[1]);
}

TEST(HttpServer, AnswersHeadAndNoContentWithoutABody) {
    auto server = serve([](const HttpRequest& request) {
        return request.method == "HEAD" ? HttpResponse{200, "12345", "text/plain", {}} : HttpResponse{204, "", "", {}};
    });
    HttpClient client;
    const auto head = client.perform(call_to(*server, "HEAD", "/"));
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->header("content-length"), "5");
    EXPECT_EQ(head->body, "");
    const auto none = client.perform(call_to(*server, "DELETE", "/"));
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_EQ(none->status, 204);
}

TEST(HttpServer, RefusesWhatIsTooLargeOrMalformed) {
    HttpServerOptions options;
    options.body_bytes_max = 100;
    options.header_bytes_max = 1000;
    options.upload_path = "/jars/upload";
    options.upload_bytes_max = 1000;
    int handled = 0;
    auto server = serve([&](const HttpRequest&) { return ++handled, HttpResponse{}; }, options);
    HttpClient client;
    HttpCall call = call_to(*server, "POST", "/");
    call.body = std::string(101, 'x');
    EXPECT_EQ(client.perform(call)->status, 413);
    call.url += "jars/upload";
    EXPECT_EQ(client.perform(call)->status, 200);
    call = call_to(*server, "GET", "/");
    call.headers = {{"X-Long", std::string(2000, 'y')}};
    EXPECT_EQ(client.perform(call)->status, 431);
    EXPECT_EQ(client.perform(call_to(*server, "GET", "/%zz"))->status, 400);
    EXPECT_EQ(client.perform(call_to(*server, "GET", "/a?b=%00"))->status, 400);
    EXPECT_THAT(raw_exchange(server->port(), "what is this\r\n\r\n"), HasSubstr("400 Bad Request"));
    EXPECT_EQ(handled, 1);
}

TEST(HttpServer, ClosesAConnectionThatDoesNotFinishItsRequest) {
    HttpServerOptions options;
    options.idle_timeout = options.request_timeout = Duration{50};
    auto server = serve([](const HttpRequest&) { return HttpResponse{}; }, options);
    EXPECT_EQ(raw_exchange(server->port(), "GET / HTTP/1.1\r\nHost: x\r\n"), "");
    EXPECT_EQ(raw_exchange(server->port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), "");
}

TEST(HttpServer, AnswersOneConnectionTooManyWith503) {
    HttpServerOptions options;
    options.connections_max = options.handler_threads = 1;
    std::atomic<bool> entered = false, release = false;
    auto server = serve(
        [&](const HttpRequest&) {
            entered = true;
            entered.notify_all();
            release.wait(false);
            return HttpResponse{};
        },
        options);
    int status = 0;
    std::thread holder([&, call = call_to(*server, "GET", "/")] {
        HttpClient client;
        if (const auto reply = client.perform(call)) status = reply->status;
    });
    entered.wait(false);
    EXPECT_THAT(raw_exchange(server->port(), ""), HasSubstr("503"));
    release = true;
    release.notify_all();
    holder.join();
    EXPECT_EQ(status, 200);
}

// Whoever only keeps connections open would keep out those who approve or pause.
TEST(HttpServer, ConnectionsThatOnlyWaitKeepNobodyOut) {
    HttpServerOptions options;
    options.connections_max = 2;
    auto server = serve([](const HttpRequest&) { return HttpResponse{}; }, options);
    HttpClient first, second, third;
    for (HttpClient* client : {&first, &second, &third, &first, &second})
        EXPECT_EQ(client->perform(call_to(*server, "GET", "/"))->status, 200);
}

TEST(HttpServer, AHandlerThatThrowsIsA500) {
    auto server = serve([](const HttpRequest&) -> HttpResponse { throw std::runtime_error("boom"); });
    HttpClient client;
    const auto reply = client.perform(call_to(*server, "GET", "/"));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 500);
    EXPECT_THAT(reply->body, HasSubstr("boom"));
}

TEST(HttpServer, ABlockedHandlerDoesNotHoldUpOthersAndIsAnsweredOnStop) {
    HttpServerOptions options;
    options.handler_threads = 2;
    std::atomic<bool> entered = false, release = false;
    auto server = serve(
        [&](const HttpRequest& request) {
            if (request.path == "/slow") {
                entered = true;
                entered.notify_all();
                release.wait(false);
            }
            return HttpResponse{200, request.path, "text/plain", {}};
        },
        options);
    std::string slow_body;
    std::thread slow([&, call = call_to(*server, "GET", "/slow")] {
        HttpClient client;
        if (auto reply = client.perform(call)) slow_body = reply->body;
    });
    entered.wait(false);
    HttpClient client;
    EXPECT_EQ(client.perform(call_to(*server, "GET", "/quick"))->body, "/quick");
    std::thread stopper([&] { server->stop(); });
    release = true;
    release.notify_all();
    stopper.join();
    slow.join();
    EXPECT_EQ(slow_body, "/slow");
    EXPECT_EQ(client.perform(call_to(*server, "GET", "/quick")).error().code, ErrorCode::unavailable);
}

TEST(HttpServer, WhoComesBeforeItServesWaitsAndIsAnswered) {
    auto server = HttpServer::listen({}).value();
    std::string body;
    std::thread early([&] {
        HttpClient client;
        if (auto reply = client.perform(call_to(*server, "GET", "/early"))) body = reply->body;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // Only so that it mostly does come before.
    server->serve([](const HttpRequest& request) { return HttpResponse{.body = request.path}; });
    early.join();
    EXPECT_EQ(body, "/early");
}

TEST(HttpServer, StopsWithoutHavingServed) {
    auto server = HttpServer::listen({}).value();
    const auto port = server->port();
    server->stop();
    server.reset();
    EXPECT_TRUE(HttpServer::listen({.port = port}));
}

TEST(HttpServer, SaysWhyItCannotListen) {
    auto server = serve([](const HttpRequest&) { return HttpResponse{}; });
    HttpServerOptions options;
    options.port = server->port();
    EXPECT_EQ(HttpServer::start(options, {}).error().code, ErrorCode::unavailable);
    options.host = "not-an-address";
    EXPECT_EQ(HttpServer::start(options, {}).error().code, ErrorCode::invalid);
}

TEST(HttpClient, UploadsAFileAsMultipart) {
    char folder[] = "/tmp/medic-http-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    const std::string path = std::string(folder) + "/job.so";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    const std::string content = std::string(
                                    "\x7f"
                                    "ELF\0\r\n--x\r\n",
                                    12) +
                                std::string(2 << 20, 'j');
    std::fwrite(content.data(), 1, content.size(), file);
    std::fclose(file);
    HttpServerOptions options;
    options.upload_path = "/jars/upload";
    options.upload_bytes_max = 16 << 20;
    std::string name, filename, body;
    auto server = serve(
        [&](const HttpRequest& request) {
            const auto parts = parse_multipart(request);
            if (!parts || parts->size() != 1)
                return HttpResponse{400, parts ? "parts" : parts.error().message, "text/plain", {}};
            name = parts->front().name;
            filename = parts->front().filename;
            body = std::string(parts->front().body);
            return HttpResponse{};
        },
        options);
    HttpCall call = call_to(*server, "POST", "/jars/upload");
    call.uploads.push_back({"jarfile", path, "my-job.so", "application/x-java-archive"});
    HttpClient client;
    const auto reply = client.perform(call);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200) << reply->body;
    EXPECT_EQ(name, "jarfile");
    EXPECT_EQ(filename, "my-job.so");
    EXPECT_TRUE(body == content);
    unlink(path.c_str());
    rmdir(folder);
}

TEST(HttpClient, RejectsBrokenMultipart) {
    HttpRequest request;
    EXPECT_FALSE(parse_multipart(request));
    request.headers = {{"content-type", "multipart/form-data; boundary=b"}};
    for (const char* body : {"", "--b", "--b\r\nx", "--b\r\n\r\n\r\n--b", "--b\r\nno-empty-line\r\n--b--"}) {
        request.body = body;
        EXPECT_FALSE(parse_multipart(request)) << body;
    }
    request.body = "--b\r\ncontent-disposition: form-data; filename=f; name=\"n\"\r\n\r\n\r\n--b--\r\n";
    const auto parts = parse_multipart(request);
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_EQ(parts->front().name, "n");
    EXPECT_EQ(parts->front().filename, "f");
}

TEST(HttpClient, TellsAnUnreachableServerFromAnUnknownOutcome) {
    HttpServerOptions options;
    options.handler_threads = 2;
    std::atomic<bool> release = false;
    auto server = serve([&](const HttpRequest&) { return release.wait(false), HttpResponse{}; }, options);
    HttpClient client;
    HttpCall call = call_to(*server, "GET", "/");
    call.timeout = Duration{2'000};  // Enough to send it.
    EXPECT_EQ(client.perform(call).error().code, ErrorCode::unavailable);
    call.method = "POST";
    EXPECT_EQ(client.perform(call).error().code, ErrorCode::outcome_unknown);
    release = true;
    release.notify_all();
    server->stop();
    EXPECT_EQ(client.perform(call).error().code, ErrorCode::unavailable);
    call.url = "ftp://127.0.0.1/";
    EXPECT_EQ(client.perform(call).error().code, ErrorCode::invalid);
    call.url = "http://127.0.0.1/\r\nHost: evil";
    EXPECT_EQ(client.perform(call).error().code, ErrorCode::invalid);
}

TEST(HttpClient, AChangeIsSentOnceThoughItsServerHangsUp) {
    HangingUpWeb web;
    HttpClient client;
    ASSERT_TRUE(client.perform({.url = web.url() + "/look"}));  // Its connection is kept.
    const auto reply = client.perform({.method = "POST", .url = web.url() + "/change"});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown) << reply.error().message;
    EXPECT_THAT(web.seen(), ElementsAre("GET /look", "POST /change"));
}

std::string system_authorities;  // Not empty: the folder that is read instead of the system's. See below.

TEST(HttpClient, AnAuthoritysFileCountsAlone) {
    const FakeAuthority ours("Our CA"), known("A CA that the system knows");
    const FakeFolder folder;
    const std::string known_file =
        folder.certificate(fmt::format("{:08x}.0", X509_subject_name_hash(known.own().certificate.get())), known.own());
    FakeWeb web([](const std::string&) { return web_answer(); }, server_context(known.issue({})));
    system_authorities = known_file.substr(0, known_file.rfind('/'));
    const auto ask = [&](const std::string& ca_file) {
        HttpClient client;
        return client.perform({.url = web.url() + "/", .ca_file = ca_file});
    };
    const auto with_ours = ask(folder.certificate("ours.pem", ours.own()));
    const auto with_theirs = ask(known_file);
    system_authorities.clear();
    ASSERT_FALSE(with_ours);
    EXPECT_EQ(with_ours.error().code, ErrorCode::invalid) << with_ours.error().message;
    EXPECT_TRUE(with_theirs) << with_theirs.error().message;
}

TEST(HttpClient, StopsReadingAnEndlessAnswerAndFollowsRedirectsOnlyWhenAsked) {
    auto server = serve([](const HttpRequest& request) {
        if (request.path == "/from") return HttpResponse{302, "", "text/plain", {{"location", "/to"}}};
        return HttpResponse{200, std::string(1000, 'z'), "text/plain", {}};
    });
    HttpClient client;
    HttpCall call = call_to(*server, "GET", "/from");
    EXPECT_EQ(client.perform(call)->status, 302);
    call.redirects = HttpCall::Redirects::follow;
    EXPECT_EQ(client.perform(call)->body.size(), 1000u);
    call.body_bytes_max = 999;
    EXPECT_EQ(client.perform(call).error().code, ErrorCode::invalid);
}

}  // namespace

const char* authorities_in(const char* folder) {
    return system_authorities.empty() ? folder : system_authorities.c_str();
}

}  // namespace medic

// Stands before OpenSSL's: libcurl reads the system's folder of authorities through it.
extern "C" int X509_STORE_load_path(X509_STORE* store, const char* folder) {
    static const auto real =
        reinterpret_cast<decltype(&X509_STORE_load_path)>(dlsym(RTLD_NEXT, "X509_STORE_load_path"));
    return real(store, medic::authorities_in(folder));
}
