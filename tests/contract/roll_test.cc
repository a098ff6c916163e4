// `medic roll` on the embedded platform: every broker restarted under load, no record refused or lost, and none stopped
// that a partition needs.
#include <atomic>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_producer.h"
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

constexpr int brokers = 3;

class Roll : public ::testing::Test {
protected:
    // The lab's folder is the scene's: medic.yaml and policy.yaml are there.
    void SetUp() override {
        ASSERT_EQ(
            scene_.run({"lab", "up", "--data", scene_.folder.string(), "--profile", "quick", "--bare"}, "lab.log"), 0)
            << scene_.read("lab.log");
        scene_.start_acting();
        ASSERT_TRUE(AgentScene::wait([&] {
            return scene_.run({"actions", "--config", (scene_.folder / "medic.yaml").string()}, "wait.log") == 0;
        })) << scene_.read("out.log");
    }
    void TearDown() override {
        if (scene_.agent > 0) scene_.stop();
        scene_.run({"lab", "down", "--data", scene_.folder.string(), "--keep"}, "lab.log");
    }

    struct Broker {
        std::string address;
        int pid = 0;
    };
    [[nodiscard]] std::map<std::string, Broker> nodes() const {
        std::filesystem::remove(scene_.folder / "status.json");
        scene_.run({"lab", "status", "--json", "--data", scene_.folder.string()}, "status.json");
        const auto status = nlohmann::json::parse(scene_.read("status.json"));
        std::map<std::string, Broker> all;
        for (const auto& node : status.at("nodes"))
            if (node.at("role") == "broker")
                all[node.at("node").get<std::string>()] = {
                    "127.0.0.1:" + std::to_string(node.at("ports").at("kafka").get<int>()), node.at("pid").get<int>()};
        return all;
    }
    [[nodiscard]] std::vector<std::string> bootstrap() const {
        std::vector<std::string> all;
        for (const auto& [name, broker] : nodes()) all.push_back(broker.address);
        return all;
    }
    void create(const std::string& topic, std::vector<std::int32_t> replicas, const char* least) const {
        KafkaClient client({.bootstrap = bootstrap()});
        wire::CreateTopicsRequest request;
        request.topics.push_back({.name = topic,
                                  .assignments = {{.partition = 0, .broker_ids = std::move(replicas)}},
                                  .configs = {{"min.insync.replicas", least}}});
        const auto created = client.call(KafkaTarget::controller(), request);
        ASSERT_TRUE(created) << created.error().message;
        ASSERT_EQ(created->topics.at(0).error, wire::KafkaError::none);
    }
    int roll(std::vector<std::string> more, const std::string& log) const {
        std::vector<std::string> all{"roll",     "broker", "--config", (scene_.folder / "medic.yaml").string(),
                                     "--reason", "patches"};
        all.insert(all.end(), more.begin(), more.end());
        return scene_.run(all, log);
    }

    AgentScene scene_;
};

TEST_F(Roll, every_broker_is_restarted_under_load_and_nothing_is_refused) {
    create("load", {1, 2, 3}, "2");
    const auto before = nodes();
    ASSERT_EQ(before.size(), std::size_t{brokers});
    std::atomic<bool> enough = false;
    std::atomic<int> written = 0;
    std::string refused;
    std::thread load([&] {
        KafkaClient client({.bootstrap = bootstrap()});
        KafkaProducer producer(client, {});
        while (!enough && refused.empty()) {
            const std::string value = "r";
            auto done = producer.append({.topic = "load", .partition = 0, .value = wire::BytesView(value)});
            if (done) done = producer.flush();
            if (done)
                ++written;
            else
                refused = done.error().message;
        }
    });
    EXPECT_EQ(roll({}, "roll.log"), 0) << scene_.read("roll.log") << scene_.read("out.log");
    enough = true;
    load.join();
    EXPECT_EQ(refused, "");
    EXPECT_GT(written, 0);
    for (const auto& [name, broker] : nodes()) {
        EXPECT_NE(broker.pid, 0) << name;
        EXPECT_NE(broker.pid, before.at(name).pid) << name << " was not restarted";
    }
    KafkaClient client({.bootstrap = bootstrap()});
    const auto metadata = client.metadata(std::vector<std::string>{"load"});
    ASSERT_TRUE(metadata);
    EXPECT_EQ(metadata->topics.at(0).partitions.at(0).isr.size(), std::size_t{brokers});
}

TEST_F(Roll, a_broker_that_holds_the_only_copy_is_not_stopped_until_it_does_not) {
    create("single", {2}, "1");
    const auto before = nodes();
    std::atomic<int> code = -1;
    std::thread person([&] { code = roll({"--nodes", "broker-2"}, "roll.log"); });
    EXPECT_TRUE(AgentScene::wait([&] {
        return scene_.read("roll.log").contains("broker 2 is needed: no other in-sync replica: single-0");
    })) << scene_.read("roll.log");
    EXPECT_EQ(nodes().at("broker-2").pid, before.at("broker-2").pid);
    KafkaClient client({.bootstrap = bootstrap()});
    EXPECT_TRUE(client.call(KafkaTarget::controller(),
                            wire::DeleteTopicsRequest{.topics = {{.name = "single"}}, .names = {"single"}}));
    person.join();
    EXPECT_EQ(code, 0) << scene_.read("roll.log") << scene_.read("out.log");
    EXPECT_NE(nodes().at("broker-2").pid, before.at("broker-2").pid);
}

TEST_F(Roll, what_can_not_be_rolled_is_refused_at_once) {
    EXPECT_TRUE(AgentScene::wait([&] {
        return roll({"--nodes", "broker-9"}, "roll.log") != 0 &&
               scene_.read("roll.log").contains("broker-9 is no broker among the nodes of cluster lab");
    })) << scene_.read("roll.log");
}

}  // namespace
}  // namespace medic::contract
