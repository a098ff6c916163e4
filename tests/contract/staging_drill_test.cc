// `medic drill --config` on a running platform with a running agent: a lost task manager is found and healed, or the
// drill is undone: by its person, and after its own death. Nothing is broken where the file does not allow it.
#include <nlohmann/json.hpp>

#include "engine/common/process.h"
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

class StagingDrill : public ::testing::Test {
protected:
    // The lab's folder is the scene's: medic.yaml and policy.yaml are there.
    void SetUp() override {
        ASSERT_EQ(scene_.run({"lab", "up", "--data", scene_.folder.string(), "--profile", "quick"}, "lab.log"), 0)
            << scene_.read("lab.log");
    }
    void TearDown() override {
        if (scene_.agent > 0) scene_.stop();
        scene_.run({"lab", "down", "--data", scene_.folder.string(), "--keep"}, "lab.log");
    }

    [[nodiscard]] std::string config() const { return (scene_.folder / "medic.yaml").string(); }
    int drill(std::vector<std::string> more, const std::string& log) const {
        std::filesystem::remove(scene_.folder / log);
        more.insert(more.begin(), "drill");
        more.insert(more.end(), {"--config", config()});
        return scene_.run(more, log);
    }
    // In the background, with its lines in `log`.
    [[nodiscard]] engine::ProcessId begin(const std::string& log) const {
        std::filesystem::remove(scene_.folder / log);
        const auto child = engine::spawn(
            {.argv = {MEDIC_BINARY_DIR "/medic", "drill", "taskmanager-lost", "--config", config(), "--yes"},
             .log_file = (scene_.folder / log).string()});
        EXPECT_TRUE(child);
        return child.value_or(engine::ProcessId{});
    }
    // The agent has looked, and nothing speaks against a drill.
    void wait_until_possible() const {
        ASSERT_TRUE(AgentScene::wait([&] { return drill({"--list"}, "list.log") == 0; }))
            << scene_.read("list.log") << scene_.read("out.log");
    }
    // Whether the node has a process, and as what: "", "running", "spare".
    [[nodiscard]] std::string standing_of(const std::string& name) const {
        std::filesystem::remove(scene_.folder / "status.json");
        scene_.run({"lab", "status", "--json", "--data", scene_.folder.string()}, "status.json");
        const auto status = nlohmann::json::parse(scene_.read("status.json"), nullptr, false);
        if (!status.is_object()) return "?";
        for (const auto& node : status.at("nodes"))
            if (node.at("node") == name)
                return node.value("pid", 0) == 0 ? "" : node.value("spare", false) ? "spare" : "running";
        return "?";
    }
    [[nodiscard]] std::filesystem::path undo_file() const { return scene_.folder / "agent" / "drills" / "undo.json"; }
    void policy(const std::string& mode) const {
        scene_.write(
            "policy.yaml",
            "schema: 1\ncatalogue: 2\ndefaults: {cooldown: 1s, budget: {operations: 60, window: 10m}}\npolicy:\n"
            "  - {remedy: \"*\", cause: \"*\", cluster: lab, mode: " +
                mode + "}\n");
    }

    AgentScene scene_;
};

// The node that the drill has chosen, from its plan's first line.
std::string chosen(const std::string& log) {
    const auto at = log.find("taskmanager-lost on ");
    return at == std::string::npos ? "" : log.substr(at + 20, log.find(' ', at + 20) - at - 20);
}

TEST_F(StagingDrill, what_the_agent_heals_is_told_with_its_times) {
    policy("auto");
    scene_.start_acting();
    wait_until_possible();
    EXPECT_EQ(drill({"taskmanager-lost", "--dry-run", "-o", "json"}, "plan.json"), 0) << scene_.read("plan.json");
    const auto plan = nlohmann::json::parse(scene_.read("plan.json")).at("plan");
    EXPECT_EQ(plan.at("expected_cause"), "flink.taskmanager-lost");
    EXPECT_EQ(plan.at("mode"), "auto");
    const std::string node = plan.at("node").get<std::string>();
    EXPECT_EQ(standing_of(node), "running") << "a dry run touches nothing";
    EXPECT_FALSE(std::filesystem::exists(undo_file()));

    EXPECT_EQ(drill({"taskmanager-lost", "--node", node, "--yes"}, "drill.log"), 0)
        << scene_.read("drill.log") << scene_.read("out.log");
    const std::string log = scene_.read("drill.log");
    for (const char* part : {"the cause and the side are right", "acts: flink.replace-taskmanager",
                             "healed by the agent", "PASSED  taskmanager-lost"})
        EXPECT_TRUE(log.contains(part)) << part << "\n" << log;
    EXPECT_FALSE(std::filesystem::exists(undo_file()));
    EXPECT_NE(standing_of(node), "");

    std::filesystem::path kept;
    for (const auto& entry : std::filesystem::directory_iterator(scene_.folder / "agent" / "drills"))
        if (entry.path().filename().string().starts_with("D-")) kept = entry.path();
    ASSERT_FALSE(kept.empty());
    const auto card = nlohmann::json::parse(scene_.read(kept)).at("drill");
    EXPECT_EQ(card.at("outcome"), "healed");
    EXPECT_TRUE(card.at("passed").get<bool>());
    EXPECT_TRUE(card.at("detect_ms").is_number());
    EXPECT_TRUE(card.at("recover_ms").is_number());
    EXPECT_EQ(scene_.run({"report", "--config", config()}, "report.log"), 0);
    EXPECT_TRUE(scene_.read("report.log").contains("1 drills, whose incidents are not counted"))
        << scene_.read("report.log");
}

TEST_F(StagingDrill, an_aborted_one_and_a_killed_one_are_undone) {
    policy("ask");
    scene_.start_acting();
    wait_until_possible();
    const auto aborted = begin("aborted.log");
    ASSERT_TRUE(AgentScene::wait([&] { return scene_.read("aborted.log").contains("waits for "); }))
        << scene_.read("aborted.log") << scene_.read("out.log");
    const std::string node = chosen(scene_.read("aborted.log"));
    EXPECT_EQ(standing_of(node), "");
    ASSERT_TRUE(engine::send_signal(aborted, SIGINT));
    EXPECT_TRUE(engine::wait_gone(aborted, Duration{240'000})) << scene_.read("aborted.log");
    EXPECT_TRUE(scene_.read("aborted.log").contains(node + " was started by its driver")) << scene_.read("aborted.log");
    EXPECT_EQ(standing_of(node), "running");
    EXPECT_FALSE(std::filesystem::exists(undo_file()));

    wait_until_possible();
    const auto killed = begin("killed.log");
    ASSERT_TRUE(AgentScene::wait([&] { return scene_.read("killed.log").contains("killed (ends with"); }))
        << scene_.read("killed.log");
    const std::string second = chosen(scene_.read("killed.log"));
    ASSERT_TRUE(engine::send_signal(killed, SIGKILL));
    EXPECT_TRUE(engine::wait_gone(killed, Duration{60'000}));
    EXPECT_EQ(standing_of(second), "");
    EXPECT_TRUE(std::filesystem::exists(undo_file()));
    EXPECT_EQ(drill({"taskmanager-lost", "--yes"}, "another.log"), 1);
    EXPECT_TRUE(scene_.read("another.log").contains("medic drill --undo --config")) << scene_.read("another.log");

    EXPECT_EQ(drill({"--undo"}, "undo.log"), 0) << scene_.read("undo.log");
    EXPECT_EQ(standing_of(second), "running");
    EXPECT_FALSE(std::filesystem::exists(undo_file()));
    EXPECT_EQ(drill({"--undo"}, "undo.log"), 0);
    EXPECT_TRUE(scene_.read("undo.log").contains("nothing is to be undone"));
}

TEST_F(StagingDrill, nothing_is_broken_where_it_is_not_allowed) {
    EXPECT_EQ(drill({"taskmanager-lost", "--yes"}, "no-agent.log"), 2) << "there is no agent to practise";
    std::string file = scene_.read("medic.yaml");
    const auto at = file.find("    drills: allowed");
    ASSERT_NE(at, std::string::npos);
    file.erase(at, file.find('\n', at) - at + 1);
    scene_.write("medic.yaml", file);
    policy("auto");
    scene_.start_acting();
    EXPECT_EQ(drill({"taskmanager-lost", "--yes"}, "refused.log"), 64);
    const std::string said = scene_.read("refused.log");
    for (const char* part : {"medic.yaml:", "`drills: allowed`", "clusters.lab"})
        EXPECT_TRUE(said.contains(part)) << said;
    for (const char* node : {"tm-1", "tm-2"}) EXPECT_EQ(standing_of(node), "running");
    EXPECT_FALSE(std::filesystem::exists(undo_file()));
}

}  // namespace
}  // namespace medic::contract
