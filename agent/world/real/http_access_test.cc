// What an HTTP request shows to whom: logins, certificates, redirects.
#include "agent/world/real/http_access.h"

#include <gtest/gtest.h>

#include "agent/world/real/http_fake_internal.h"
#include "agent/world/real/http_fetcher.h"

namespace medic {
namespace {

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
    FakeWeb web([](const std::string&) { return web_answer(); });
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
    FakeWeb web([](const std::string&) { return web_answer(); });
    table.add("c", web.url(), {.auth = {.bearer = {.file = "/no/such/token"}}});
    const auto reply = fetch(table, get(web.url() + "/"));
    ASSERT_FALSE(reply);
    EXPECT_TRUE(says(reply.error().message, "secret from file /no/such/token: No such file")) << reply.error().message;
    EXPECT_TRUE(web.heads().empty());
}

TEST_F(HttpAccessTest, https_with_its_own_authority_and_a_client_certificate) {
    const FakeAuthority authority("Test CA"), clients("Client CA");
    FakeWeb web([](const std::string&) { return web_answer(); }, server_context(authority.issue({}), &clients));
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
    FakeWeb web([](const std::string&) { return web_answer(); },
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
    FakeWeb plain([](const std::string&) { return web_answer(); });
    const std::string wrong = "https" + plain.url().substr(4);
    EXPECT_FALSE(error(wrong, access).empty());
}

TEST_F(HttpAccessTest, a_redirect_is_followed_to_configured_addresses_with_their_own_credentials) {
    FakeWeb leader([](const std::string&) { return web_answer("leader"); });
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
    FakeWeb stranger([](const std::string&) { return web_answer(); });
    FakeWeb web([&](const std::string&) { return redirect(302, stranger.url("localhost") + "/"); });
    table.add("c", web.url(), basic());
    const auto reply = fetch(table, get(web.url() + "/"));
    ASSERT_FALSE(reply);
    EXPECT_TRUE(says(reply.error().message, "which is not configured for cluster c")) << reply.error().message;
    EXPECT_TRUE(stranger.heads().empty());
}

TEST_F(HttpAccessTest, the_same_host_may_redirect_but_gets_no_credentials_at_another_port) {
    FakeWeb second([](const std::string&) { return web_answer(); });
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
    FakeWeb leader([](const std::string&) { return web_answer(); });
    const std::string target = "/restart?tasks=1";
    FakeWeb standby([&](const std::string&) { return redirect(307, leader.url() + target); });
    FetchRequest request = get(standby.url() + target);
    request.method = "POST";
    const auto kept = fetch(table, request);
    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(kept->status, 200);
    EXPECT_TRUE(says(leader.heads().at(0), "POST " + target + " HTTP"));
    FakeWeb other([&](const std::string&) { return redirect(302, leader.url() + target); });
    request.url = other.url() + target;
    const auto changed = fetch(table, request);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->status, 302);
    EXPECT_EQ(leader.heads().size(), 1u);
}

// Whoever answers at one address would otherwise do what it likes at all others, with our credentials.
TEST_F(HttpAccessTest, no_redirect_turns_a_change_into_another) {
    FakeWeb connect([](const std::string&) { return web_answer(); });
    table.add("c", connect.url(), bearer());
    for (const char* target : {"/connectors/x", "/jars/j", "/jars/j?force=1", "/jars/j/", "/"}) {
        for (const int status : {307, 308}) {
            FakeWeb flink([&](const std::string&) { return redirect(status, connect.url() + target); });
            table.add("c", flink.url(), basic());
            FetchRequest request = get(flink.url() + "/jars/j?force=0");
            request.method = "DELETE";
            const auto reply = fetch(table, request);
            ASSERT_TRUE(reply) << reply.error().message;
            EXPECT_EQ(reply->status, status) << target;
        }
    }
    EXPECT_TRUE(connect.heads().empty());
}

TEST_F(HttpAccessTest, a_target_is_path_and_query) {
    EXPECT_TRUE(same_target("http://a:80/x?y=1", "https://b/x?y=1"));
    EXPECT_TRUE(same_target("http://a", "http://b/"));
    EXPECT_FALSE(same_target("http://a/x", "http://a/X"));
    EXPECT_FALSE(same_target("http://a/x", "http://a/x?y"));
    EXPECT_FALSE(same_target("http://a/x/../y", "http://a/x"));
    EXPECT_FALSE(same_target("no address", "no address"));
}

}  // namespace
}  // namespace medic
