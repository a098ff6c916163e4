// What discover and doctor show at an address: the same as the agent does.
#include "agent/cli/outside_real.h"

#include <gtest/gtest.h>

#include "agent/cli/addresses.h"
#include "agent/daemon/doors.h"
#include "agent/discovery/config_text.h"
#include "agent/discovery/look_once.h"
#include "agent/world/real/http_fake_internal.h"

namespace medic::cli {
namespace {

using discovery::Call;

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Connect, Flink or a Prometheus server, as far as the test needs one.
std::string platform(const std::string& head) {
    if (!says(head, "Authorization: Basic dTpwOnc=") && !says(head, "Authorization: Bearer t0ken"))
        return "HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    if (says(head, "GET / ")) return web_answer(R"({"version":"3.9.1","commit":"x","kafka_cluster_id":"y"})");
    if (says(head, "GET /jobs/overview")) return web_answer(R"({"jobs":[]})");
    if (says(head, "GET /taskmanagers")) return web_answer(R"({"taskmanagers":[]})");
    if (says(head, "GET /config")) return web_answer(R"({"flink-version":"2.0.0"})");
    if (says(head, "/api/v1/query"))
        return web_answer(R"({"status":"success","data":{"resultType":"vector","result":[]}})");
    return web_answer();
}

class OutsideReal : public ::testing::Test {
protected:
    OutsideReal() {
        const FakeCertificate ours = clients.issue({.name = "medic"});
        const std::string tls = "{ca: " + folder.certificate("ca.pem", authority.own()) +
                                ", certificate: " + folder.certificate("me.pem", ours) +
                                ", key: " + folder.key("me.key", ours) + "}";
        (void)folder.write("password", "p:w\n");
        (void)folder.write("token", "t0ken\n");
        access = folder.write("access.yaml", "connect: {tls: " + tls +
                                                 ", auth: {username: u, password_file: password}}\n"
                                                 "flink: {tls: " +
                                                 tls +
                                                 ", auth: {bearer_file: token}}\n"
                                                 "prometheus: {tls: " +
                                                 tls + ", auth: {bearer_file: token}}\n");
        addresses = {.connect = {web.url()}, .flink = {flink.url()}, .prometheus = prometheus.url(), .name = "c"};
    }
    std::vector<Call> calls(const Addresses& of) {
        const auto cluster = cluster_of(of);
        EXPECT_TRUE(cluster) << cluster.error().message;
        Config config;
        config.clusters.push_back(cluster.value());
        // Nothing here is about time: a machine that is busy with other things must not look like a silent address.
        const auto outside =
            make_outside(access_of(config), {.connect = Duration{120'000}, .request_min = Duration{120'000}});
        return discovery::look_once(*outside, *cluster).calls;
    }

    FakeFolder folder;
    const FakeAuthority authority{"Test CA"}, clients{"Client CA"};
    FakeWeb web{platform, server_context(authority.issue({}), &clients)};
    FakeWeb flink{platform, server_context(authority.issue({}), &clients)};
    FakeWeb prometheus{platform, server_context(authority.issue({}), &clients)};
    std::string access;
    Addresses addresses;
};

TEST_F(OutsideReal, opens_every_address_with_its_certificate_and_login) {
    addresses.access = access;
    const auto seen = calls(addresses);
    std::set<std::string> parts;
    for (const Call& call : seen) {
        parts.insert(call.part);
        EXPECT_EQ(call.outcome, Call::Outcome::answered) << call.part << " " << call.name << " " << call.detail;
    }
    EXPECT_EQ(parts, (std::set<std::string>{"connect", "flink", "prometheus"}));
    EXPECT_TRUE(says(web.heads().at(0), "Authorization: Basic dTpwOnc=\r\n"));
    EXPECT_TRUE(says(flink.heads().at(0), "Authorization: Bearer t0ken\r\n"));
    EXPECT_TRUE(says(prometheus.heads().at(0), "Authorization: Bearer t0ken\r\n"));
}

TEST_F(OutsideReal, without_them_nothing_is_seen_and_the_reason_is_told) {
    for (const Call& call : calls(addresses)) {
        EXPECT_EQ(call.outcome, Call::Outcome::failed) << call.name;
        EXPECT_TRUE(says(call.detail, "`tls: {ca}`")) << call.detail;
    }
    EXPECT_TRUE(web.heads().empty());
}

TEST_F(OutsideReal, a_login_that_is_refused_is_told_apart_from_silence) {
    (void)folder.write("password", "wrong\n");
    (void)folder.write("token", "wrong\n");
    addresses.access = access;
    for (const Call& call : calls(addresses)) EXPECT_EQ(call.outcome, Call::Outcome::refused) << call.name;
}

TEST_F(OutsideReal, the_time_of_the_other_side_is_read_where_it_is_told) {
    FakeWeb dated([](const std::string&) {
        return std::string("HTTP/1.1 200 OK\r\nDATE:  Sat, 28 Nov 2026 04:08:14 GMT\r\nContent-Length: 2\r\n\r\n{}");
    });
    FakeWeb dateless([](const std::string&) { return web_answer(); });
    const auto outside = make_outside({});
    const auto answers = outside->get({{.url = dated.url()}, {.url = dateless.url()}});
    ASSERT_TRUE(answers[0].server_time);
    EXPECT_EQ(answers[0].server_time->unix_ms, 1'795'838'894'000);
    EXPECT_FALSE(answers[1].server_time);
}

TEST_F(OutsideReal, the_configuration_that_discover_writes_opens_the_same_addresses) {
    addresses.access = access;
    const auto cluster = cluster_of(addresses).value();
    discovery::Picture picture;
    picture.cluster = "c";
    picture.flinks.push_back({.url = flink.url(), .version = "", .mode = ""});
    const std::string text = discovery::config_text(cluster, picture, {.data_dir = "/d", .command = "c"});
    const auto config = load_config(text, "/somewhere/else/medic.yaml");
    ASSERT_TRUE(config) << config.error().message << "\n" << text;
    EXPECT_EQ(config->clusters[0].http, cluster.http) << text;
    EXPECT_EQ(text.find("t0ken"), std::string::npos);
}

TEST_F(OutsideReal, an_access_file_is_read_as_strictly_as_the_configuration) {
    const auto error = [&](const std::string& text) {
        addresses.access = folder.write("bad.yaml", text);
        const auto cluster = cluster_of(addresses);
        return cluster ? "" : cluster.error().message;
    };
    EXPECT_TRUE(says(error("connect: {auth: {username: u, password: p}}\n"), "unknown key `password`"));
    EXPECT_TRUE(says(error("kafkas: {}\n"), "did you mean `kafka`?"));
    addresses.flink = {"http://plain:8081"};
    EXPECT_TRUE(says(error("flink: {tls: {}}\n"), "expected https://"));
    addresses.access = "/no/such/file";
    EXPECT_FALSE(cluster_of(addresses));
}

}  // namespace
}  // namespace medic::cli
