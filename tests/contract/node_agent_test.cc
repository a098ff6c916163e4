// A platform whose nodes are all behind a sidecar (`scope: node`): a task manager that is killed is found and its spare
// started over HTTP. While the sidecar is away its nodes are unknown, and nothing is done to them.
#include <nlohmann/json.hpp>

#include "engine/common/process.h"
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

constexpr const char* token = "0123456789abcdef-node";

class NodeAgent : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(engine({"lab", "up", "--data", lab()}));
        ASSERT_TRUE(std::filesystem::exists(lab() + "/lab.json")) << "the embedded platform did not come up";
        split(agent_.read(lab() + "/medic.yaml"));
        sidecar_.write("tokens", std::string("medic ") + token + "\n");
        start_sidecar("127.0.0.1:0");
        address_ = sidecar_.read("data/api_address");
        address_.pop_back();
        agent_.write("token", std::string(token) + "\n");
        agent_.write("medic.yaml", with_address(cluster_file_));
        agent_.write("policy.yaml", agent_.read(lab() + "/policy.yaml"));
    }
    void TearDown() override {
        if (agent_.agent > 0) agent_.stop();
        if (sidecar_.agent > 0) sidecar_.stop();
        EXPECT_TRUE(engine({"lab", "down", "--data", lab()}));
    }

    void start_sidecar(const std::string& listen) {
        sidecar_.write("medic.yaml", "schema: 1\nscope: node\ndata_dir: data\napi: {listen: \"" + listen +
                                         "\", token_file: tokens}\nintervals: {process: 500ms}\nclusters:\n  lab:\n" +
                                         nodes_);
        sidecar_.start();
        ASSERT_TRUE(AgentScene::wait([&] { return sidecar_.ask("/api/v1/nodes", "GET", token).status == 200; }))
            << sidecar_.read("out.log");
    }

    // The lab's file: its nodes go to the sidecar, and are named to the agent by the sidecar's address.
    void split(const std::string& file) {
        std::stringstream in(file);
        bool in_nodes = false;
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("    ") && line[4] != ' ') in_nodes = line == "    nodes:";
            if (line.starts_with("data_dir:")) line = "data_dir: data";
            if (line.starts_with("api:")) line = "api: {listen: \"127.0.0.1:0\"}";
            if (in_nodes) nodes_ += line + "\n";
            const bool of_driver = in_nodes && line.starts_with("          ");
            if (line == "          kind: command")
                cluster_file_ +=
                    "          {kind: agent, url: \"http://ADDRESS\", token_file: token, actions: [start, start_spare, "
                    "stop, kill, kill_task, grow]}\n";
            else if (!of_driver)
                cluster_file_ += line + "\n";
            if (line.starts_with("    flink: ")) {
                const auto from = line.find("http://");
                flink_ = line.substr(from, line.find('"', from) - from);
            }
        }
    }
    [[nodiscard]] std::string with_address(std::string text) const {
        for (std::size_t at = 0; (at = text.find("ADDRESS", at)) != std::string::npos;) text.replace(at, 7, address_);
        return text;
    }

    [[nodiscard]] std::string lab() const { return (agent_.folder / "lab").string(); }
    static bool engine(std::vector<std::string> arguments) {
        constexpr Duration patience{240'000};
        arguments.insert(arguments.begin(), MEDIC_BINARY_DIR "/medic-engine");
        const auto child = engine::spawn({.argv = std::move(arguments)});
        return child && engine::wait_gone(*child, patience);
    }
    void kill_node(const std::string& name) const {
        ASSERT_TRUE(engine({"node", "kill", "--data", lab(), "--node", name}));
    }

    [[nodiscard]] nlohmann::json flink(const std::string& path) const {
        HttpClient client;
        HttpCall call;
        call.url = flink_ + path;
        const auto reply = client.perform(call);
        return reply ? nlohmann::json::parse(reply->body, nullptr, false) : nlohmann::json();
    }
    [[nodiscard]] bool job_runs() const {
        const auto jobs = flink("/jobs/overview");
        return jobs.is_object() && jobs.contains("jobs") && !jobs["jobs"].empty() &&
               jobs["jobs"][0].value("state", "") == "RUNNING";
    }
    [[nodiscard]] std::size_t taskmanagers() const {
        const auto all = flink("/taskmanagers");
        return all.is_object() && all.contains("taskmanagers") ? all["taskmanagers"].size() : 0;
    }
    [[nodiscard]] double gauge(const std::string& name) const {
        const auto page = agent_.ask("/metrics");
        const auto at = page.body.find("\n" + name + " ");
        return at == std::string::npos ? -1 : std::atof(page.body.c_str() + at + name.size() + 2);
    }
    static std::size_t count(const std::string& text, const std::string& what) {
        std::size_t found = 0;
        for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++found;
        return found;
    }

    AgentScene agent_, sidecar_;
    std::string nodes_, cluster_file_, address_, flink_;
};

TEST_F(NodeAgent, what_is_lost_is_started_through_the_sidecar_and_nothing_while_it_is_away) {
    agent_.start_acting();
    ASSERT_TRUE(AgentScene::wait([&] {
        return agent_.ask("/-/ready").status == 200 && gauge("medic_targets_blind") == 0 && job_runs();
    })) << agent_.read("out.log")
        << agent_.ask("/api/v1/diagnosis").body;

    // It must have seen them at work to find one missing.
    std::this_thread::sleep_for(std::chrono::seconds(10));

    // A busy machine may have given it something else to report at the start.
    const auto ended = [&] { return count(agent_.read("out.log"), "no longer reported"); };
    const std::size_t before_the_fault = ended();
    kill_node("tm-1");
    ASSERT_TRUE(AgentScene::wait([&] {
        return count(sidecar_.read("out.log"), " start tm-3 (") > 0 && ended() > before_the_fault;
    })) << agent_.read("out.log")
        << sidecar_.read("out.log");
    EXPECT_EQ(count(sidecar_.read("out.log"), " start tm-3 ("), 1u) << sidecar_.read("out.log");
    EXPECT_TRUE(AgentScene::wait([&] { return job_runs(); }));
    for (const AgentScene* one : {&agent_, &sidecar_}) EXPECT_EQ(one->read("out.log").find(token), std::string::npos);

    // Its nodes are unknown from now on: neither down nor healthy.
    EXPECT_EQ(sidecar_.stop(), 0);
    ASSERT_TRUE(AgentScene::wait([&] { return gauge("medic_targets_blind") >= 1; }));
    const std::size_t before = count(agent_.read("out.log"), "sends ");
    const std::size_t registered = taskmanagers();
    kill_node("tm-2");
    ASSERT_TRUE(AgentScene::wait([&] { return taskmanagers() < registered; })) << registered;
    // Ten times what it took to act when the sidecar was there.
    std::this_thread::sleep_for(std::chrono::seconds(15));
    EXPECT_EQ(count(agent_.read("out.log"), "sends "), before) << agent_.read("out.log");

    start_sidecar(address_);
    EXPECT_TRUE(AgentScene::wait([&] { return count(agent_.read("out.log"), "sends ") > before && job_runs(); }))
        << agent_.read("out.log");
}

}  // namespace
}  // namespace medic::contract
