// A sidecar behind a proxy with TLS, as it should be where it leaves its host: stunnel in front of it, a certificate of
// the company's own authority. With another authority, and with a name that is not in the certificate, nothing is read.
#include "agent/world/real/tls_fake_internal.h"
#include "engine/common/process.h"
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

constexpr const char* token = "0123456789abcdef-node";

class NodeAgentTls : public ::testing::Test {
protected:
    void SetUp() override {
        sidecar_.write("tokens", std::string("medic ") + token + "\n");
        sidecar_.write("broker-1.json", R"({"pid": )" + std::to_string(getpid()) + "}");
        sidecar_.write("medic.yaml",
                       "schema: 1\nscope: node\ndata_dir: data\napi: {listen: 127.0.0.1:0, token_file: tokens}\n"
                       "clusters:\n  lab:\n    nodes:\n      - {name: broker-1, role: broker, driver: {kind: command, "
                       "status: [cat, " +
                           (sidecar_.folder / "broker-1.json").string() + "]}}\n");
        sidecar_.start();
        ASSERT_TRUE(AgentScene::wait([&] { return sidecar_.ask("/api/v1/nodes", "GET", token).status == 200; }))
            << sidecar_.read("out.log");
        start_proxy();
    }
    void TearDown() override {
        if (agent_.agent > 0) agent_.stop();
        if (proxy_) engine::terminate(*proxy_, Duration{5'000});
    }

    void start_proxy() {
        std::string behind = sidecar_.read("data/api_address");
        behind.pop_back();
        const auto certificate = company_.issue({.name = "broker-1", .alternatives = "DNS:localhost"});
        const auto port = engine::lasting_port();
        ASSERT_TRUE(port) << port.error().message;
        port_ = *port;
        const std::string config = files_.write(
            "stunnel.conf", "foreground = yes\npid =\n[sidecar]\naccept = 127.0.0.1:" + std::to_string(port_) +
                                "\nconnect = " + behind + "\ncert = " + files_.certificate("server.pem", certificate) +
                                "\nkey = " + files_.key("server.key", certificate) + "\n");
        auto started =
            engine::spawn({.argv = {"/usr/bin/stunnel4", config}, .log_file = (agent_.folder / "proxy.log").string()});
        ASSERT_TRUE(started) << started.error().message;
        proxy_ = *started;
    }

    // Looks at the sidecar through the proxy, by this name and with this authority's certificate.
    void start_agent(const std::string& host, const FakeAuthority& trusted) {
        agent_.write("token", std::string(token) + "\n");
        agent_.write("medic.yaml",
                     "schema: 1\ndata_dir: data\napi: {listen: 127.0.0.1:0}\nclusters:\n  lab:\n    nodes:\n"
                     "      - {name: broker-1, role: broker, driver: {kind: agent, url: 'https://" +
                         host + ":" + std::to_string(port_) +
                         "', token_file: token, tls: {ca: " + files_.certificate("ca.pem", trusted.own()) + "}}}\n");
        agent_.start();
    }
    [[nodiscard]] bool page_has(const std::string& line) const {
        return agent_.ask("/metrics").body.contains("\n" + line + "\n");
    }

    FakeAuthority company_{"company"}, other_{"other"};
    FakeFolder files_;
    AgentScene sidecar_, agent_;
    std::optional<engine::ProcessId> proxy_;
    int port_ = 0;
};

TEST_F(NodeAgentTls, its_node_is_seen_through_the_proxy) {
    start_agent("localhost", company_);
    EXPECT_TRUE(AgentScene::wait([&] {
        return agent_.ask("/-/ready").status == 200 && page_has("medic_targets_blind 0");
    })) << agent_.read("out.log")
        << agent_.read("proxy.log");
}

TEST_F(NodeAgentTls, another_authority_or_another_name_is_not_believed) {
    for (const auto& [host, trusted] :
         {std::pair<const char*, const FakeAuthority&>{"localhost", other_}, {"127.0.0.1", company_}}) {
        start_agent(host, trusted);
        EXPECT_TRUE(AgentScene::wait([&] { return page_has("medic_targets_blind 1"); }))
            << host << agent_.read("out.log") << agent_.read("proxy.log");
        // Said to whoever asks what is wrong.
        EXPECT_TRUE(AgentScene::wait([&] { return agent_.ask("/api/v1/diagnosis").body.contains("certificate"); }))
            << host << agent_.ask("/api/v1/diagnosis").body;
        agent_.stop();
        std::filesystem::remove_all(agent_.folder / "data");
        std::filesystem::remove(agent_.folder / "out.log");
    }
}

}  // namespace
}  // namespace medic::contract
