// The lease in a real etcd (Debian's etcd-server).
#include "agent/lease/etcd_leases.h"
#include "engine/common/process.h"
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

class EtcdLease : public ::testing::Test {
protected:
    void SetUp() override {
        url = "http://127.0.0.1:" + std::to_string(*engine::lasting_port());
        const std::string peer = "http://127.0.0.1:" + std::to_string(*engine::lasting_port());
        etcd = engine::spawn(
                   {.argv = {"/usr/bin/etcd", "--data-dir", (scene.folder / "etcd").string(), "--listen-client-urls",
                             url, "--advertise-client-urls", url, "--listen-peer-urls", peer,
                             "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer},
                    .log_file = (scene.folder / "etcd.log").string()})
                   .value();
        ASSERT_TRUE(AgentScene::wait([&] { return agent("probe")->claim("probe").has_value(); }))
            << scene.read("etcd.log");
    }
    void TearDown() override { kill(etcd.pid, SIGKILL); }

    std::unique_ptr<LeaseStore> agent(const std::string& name, Duration ttl = Duration{60'000}) const {
        return make_etcd_leases({.urls = {"http://127.0.0.1:1", url}, .holder = name, .ttl = ttl});
    }
    AgentScene scene;
    std::string url;
    engine::ProcessId etcd;
};

TEST_F(EtcdLease, of_two_one_has_it_and_its_token_grows_with_each_change) {
    const auto a = agent("a"), b = agent("b");
    const auto first = a->claim("lab").value();
    EXPECT_TRUE(first.ours);
    EXPECT_FALSE(b->claim("lab").value().ours);
    EXPECT_EQ(b->claim("lab").value().holder, "a");
    EXPECT_EQ(a->claim("lab").value().token, first.token);
    ASSERT_TRUE(b->release("lab"));  // Not b's: nothing happens.
    EXPECT_EQ(a->claim("lab").value().token, first.token);
    ASSERT_TRUE(a->release("lab"));
    const auto second = b->claim("lab").value();
    EXPECT_TRUE(second.ours);
    EXPECT_GT(second.token, first.token);
}

TEST_F(EtcdLease, it_ends_by_itself_when_its_holder_is_gone_and_lasts_while_it_is_claimed) {
    const auto a = agent("a", Duration{2'000}), b = agent("b");
    ASSERT_TRUE(a->claim("lab").value().ours);
    for (int i = 0; i < 12; ++i) {  // Longer than it lasts by itself.
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        ASSERT_TRUE(a->claim("lab").value().ours);
    }
    EXPECT_FALSE(b->claim("lab").value().ours);
    EXPECT_TRUE(AgentScene::wait([&] {
        const auto claim = b->claim("lab");
        return claim && claim->ours;
    }));
    EXPECT_EQ(a->claim("lab").value().holder, "b");
}

TEST_F(EtcdLease, a_holder_that_was_started_again_has_it_with_a_new_token) {
    const auto before = agent("a")->claim("lab").value();
    const auto a = agent("a");
    const auto after = a->claim("lab").value();
    EXPECT_TRUE(after.ours);
    EXPECT_GT(after.token, before.token);
    EXPECT_EQ(a->claim("lab").value().token, after.token);
    EXPECT_FALSE(agent("b")->claim("lab").value().ours);
}

TEST_F(EtcdLease, without_an_answer_nobody_knows) {
    kill(etcd.pid, SIGKILL);
    const auto claimed = agent("a")->claim("lab");
    ASSERT_FALSE(claimed);
    EXPECT_EQ(claimed.error().code, ErrorCode::unavailable);
}

TEST(EtcdLeaseElsewhere, a_web_server_that_is_no_etcd_is_named) {
    Recorder web([](const HttpRequest&) {
        HttpResponse response;
        response.body = "<html>welcome</html>";
        return response;
    });
    const auto store = make_etcd_leases({.urls = {"http://" + web.authority()}, .holder = "a"});
    const auto claimed = store->claim("lab");
    ASSERT_FALSE(claimed);
    EXPECT_NE(claimed.error().message.find("no JSON object"), std::string::npos) << claimed.error().message;
}

}  // namespace
}  // namespace medic::contract
