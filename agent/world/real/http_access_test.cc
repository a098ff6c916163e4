// What an HTTP request shows to whom: logins, certificates, redirects.
#include "agent/world/real/http_access.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/tls_fake_internal.h"

namespace medic {
namespace {

// A web server, with TLS or without, that answers each request (its whole head) with a text of the test's own and
// closes the connection.
class FakeWeb {
public:
    using Answer = std::function<std::string(const std::string& head)>;
    explicit FakeWeb(Answer answer, std::shared_ptr<SSL_CTX> tls = nullptr)
        : answer_(std::move(answer)), tls_(std::move(tls)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeWeb() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port_);
    }
    [[nodiscard]] std::vector<std::string> heads() {
        const std::lock_guard lock(mutex_);
        return heads_;
    }

private:
    void serve() {
        for (;;) {
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) return;
            {
                FakeChannel channel(socket, tls_.get());
                if (channel.open()) talk(channel);
            }
            // Closing on unread bytes would reset the connection, and what was said last would be lost with it.
            ::shutdown(socket, SHUT_WR);
            char unread[1024];
            while (::recv(socket, unread, sizeof unread, 0) > 0) continue;
            ::close(socket);
        }
    }
    void talk(FakeChannel& channel) {
        std::string head;
        char byte = 0;
        while (!head.ends_with("\r\n\r\n")) {
            if (!channel.read(&byte, 1)) return;
            head += byte;
        }
        {
            const std::lock_guard lock(mutex_);
            heads_.push_back(head);
        }
        (void)channel.write(answer_(head));
    }

    Answer answer_;
    std::shared_ptr<SSL_CTX> tls_;
    int listener_ = -1, port_ = 0;
    std::mutex mutex_;
    std::vector<std::string> heads_;
    std::thread thread_;
};

std::string ok(const std::string& body = "{}") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}
std::string redirect(int status, const std::string& to) {
    return "HTTP/1.1 " + std::to_string(status) + " Elsewhere\r\nLocation: " + to +
           "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

Result<FetchReply> fetch(const HttpAccessTable& access, FetchRequest request) {
    Reactor reactor;
    HttpFetcher fetcher(reactor, {.access = access});
    Result<FetchReply> result = fail(ErrorCode::internal, "no answer");
    reactor.post([&] {
        request.timeout = Duration{30'000};
        fetcher.fetch(request, [&](Result<FetchReply> reply) {
            result = std::move(reply);
            reactor.stop();
        });
    });
    reactor.run();
    return result;
}
FetchRequest get(const std::string& url) { return {.url = url, .cluster = "c"}; }

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class HttpAccessTest : public ::testing::Test {
protected:
    HttpAccess basic() const { return {.auth = {.username = "u", .password = {.file = folder.write("pw", "p:w")}}}; }
    HttpAccess bearer() const { return {.auth = {.bearer = {.file = folder.write("token", "t0ken")}}}; }
    FakeFolder folder;
    HttpAccessTable table;
};

TEST_F(HttpAccessTest, the_longest_configured_address_decides_and_only_within_its_cluster) {
    table.add("c", "http://a:80", basic());
    table.add("c", "http://a:80/x", bearer());
    EXPECT_FALSE(table.find("c", "http://a:80/x/y?z")->auth.bearer.file.empty());
    EXPECT_EQ(table.find("c", "http://a:80/xy")->auth.username, "u");
    EXPECT_EQ(table.find("c", "http://a:80")->auth.username, "u");
    EXPECT_EQ(table.find("c", "http://a:8083/"), nullptr);
    EXPECT_EQ(table.find("other", "http://a:80/"), nullptr);
}

TEST_F(HttpAccessTest, logs_in_with_a_password_or_a_token_and_not_where_nothing_is_configured) {
    FakeWeb web([](const std::string&) { return ok(); });
    table.add("c", web.url() + "/basic", basic());
    table.add("c", web.url() + "/bearer", bearer());
    for (const char* path : {"/basic", "/bearer", "/none"}) EXPECT_TRUE(fetch(table, get(web.url() + path)));
    const auto heads = web.heads();
    ASSERT_EQ(heads.size(), 3u);
    EXPECT_TRUE(says(heads[0], "Authorization: Basic dTpwOnc=\r\n")) << heads[0];
    EXPECT_TRUE(says(heads[1], "Authorization: Bearer t0ken\r\n")) << heads[1];
    EXPECT_FALSE(says(heads[2], "Authorization")) << heads[2];
}

TEST_F(HttpAccessTest, a_secret_that_cannot_be_read_is_no_request) {
    FakeWeb web([](const std::string&) { return ok(); });
    table.add("c", web.url(), {.auth = {.bearer = {.file = "/no/such/token"}}});
    const auto reply = fetch(table, get(web.url() + "/"));
    ASSERT_FALSE(reply);
    EXPECT_TRUE(says(reply.error().message, "secret from file /no/such/token: No such file")) << reply.error().message;
    EXPECT_TRUE(web.heads().empty());
}

TEST_F(HttpAccessTest, https_with_its_own_authority_and_a_client_certificate) {
    const FakeAuthority authority("Test CA"), clients("Client CA");
    FakeWeb web([](const std::string&) { return ok(); }, server_context(authority.issue({}), &clients));
    HttpAccess access{.auth = {}, .tls = TlsFiles{.ca = folder.certificate("ca.pem", authority.own())}};
    table.add("c", web.url(), access);
    const auto without = fetch(table, get(web.url() + "/"));
    ASSERT_FALSE(without);
    EXPECT_TRUE(says(without.error().message, "it wants a client certificate")) << without.error().message;
    const FakeCertificate ours = clients.issue({.name = "medic"});
    access.tls->certificate = folder.certificate("me.pem", ours);
    access.tls->key = folder.key("me.key", ours);
    table.add("c", web.url(), access);
    const auto with = fetch(table, get(web.url() + "/"));
    EXPECT_TRUE(with) << with.error().message;
}

TEST_F(HttpAccessTest, certificates_that_do_not_fit_are_told) {
    const FakeAuthority authority("Test CA"), other("Other CA");
    FakeWeb web([](const std::string&) { return ok(); },
                server_context(authority.issue({.alternatives = "DNS:elsewhere.example"})));
    const auto error = [&](const std::string& url, const HttpAccess& access) {
        HttpAccessTable one;
        one.add("c", url, access);
        const auto reply = fetch(one, get(url + "/"));
        return reply ? "" : reply.error().message;
    };
    HttpAccess access{.auth = {}, .tls = TlsFiles{.ca = folder.certificate("other.pem", other.own())}};
    EXPECT_TRUE(says(error(web.url(), access), "give the certificate authority's file")) << error(web.url(), access);
    access.tls->ca = folder.certificate("ca.pem", authority.own());
    EXPECT_TRUE(says(error(web.url(), access), "connect by a name that its certificate holds"))
        << error(web.url(), access);
    access.tls->check_hostname = false;
    EXPECT_EQ(error(web.url(), access), "");
    FakeWeb plain([](const std::string&) { return ok(); });
    const std::string wrong = "https" + plain.url().substr(4);
    EXPECT_FALSE(error(wrong, access).empty());
}

TEST_F(HttpAccessTest, a_redirect_is_followed_to_configured_addresses_with_their_own_credentials) {
    FakeWeb leader([](const std::string&) { return ok("leader"); });
    FakeWeb follower([&](const std::string&) { return redirect(307, leader.url() + "/connectors"); });
    table.add("c", follower.url(), basic());
    table.add("c", leader.url(), bearer());
    const auto reply = fetch(table, get(follower.url() + "/connectors"));
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "leader");
    EXPECT_TRUE(says(leader.heads().at(0), "Bearer t0ken"));
    EXPECT_FALSE(says(leader.heads().at(0), "Basic"));
}

TEST_F(HttpAccessTest, a_redirect_to_a_stranger_is_told_and_nothing_is_sent_there) {
    FakeWeb stranger([](const std::string&) { return ok(); });
    FakeWeb web([&](const std::string&) { return redirect(302, stranger.url("localhost") + "/"); });
    table.add("c", web.url(), basic());
    const auto reply = fetch(table, get(web.url() + "/"));
    ASSERT_FALSE(reply);
    EXPECT_TRUE(says(reply.error().message, "which is not configured for cluster c")) << reply.error().message;
    EXPECT_TRUE(stranger.heads().empty());
}

TEST_F(HttpAccessTest, the_same_host_may_redirect_but_gets_no_credentials_at_another_port) {
    FakeWeb second([](const std::string&) { return ok(); });
    FakeWeb first([&](const std::string&) { return redirect(308, second.url() + "/"); });
    table.add("c", first.url(), basic());
    ASSERT_TRUE(fetch(table, get(first.url() + "/")));
    EXPECT_FALSE(says(second.heads().at(0), "Authorization"));
}

TEST_F(HttpAccessTest, redirects_end) {
    FakeWeb web([](const std::string&) { return redirect(301, "/again"); });
    const auto reply = fetch(table, get(web.url() + "/"));
    ASSERT_FALSE(reply);
    EXPECT_TRUE(says(reply.error().message, "redirects again and again")) << reply.error().message;
    EXPECT_EQ(web.heads().size(), 3u);
}

TEST_F(HttpAccessTest, a_change_goes_on_only_where_its_method_is_kept) {
    FakeWeb web([](const std::string& head) { return says(head, "/done") ? ok() : redirect(307, "/done"); });
    FetchRequest request = get(web.url() + "/restart");
    request.method = "POST";
    const auto kept = fetch(table, request);
    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_TRUE(says(web.heads().at(1), "POST /done"));
    FakeWeb other([](const std::string&) { return redirect(302, "/done"); });
    request.url = other.url() + "/restart";
    const auto changed = fetch(table, request);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->status, 302);
}

}  // namespace
}  // namespace medic
