// `medic diagnose` on the real products: healthy when they are, and the right side and cause for faults made by hand.
// Judged by what is said, never by how fast. `make test-live` runs it.
#include <gmock/gmock.h>

#include <functional>

#include "agent/world/real/http_client.h"
#include "tests/live/live_internal.h"

namespace medic::live {
namespace {

using nlohmann::json;

constexpr auto patience = std::chrono::minutes(4);

struct Said {
    int exit_code = -1;
    json document;
    [[nodiscard]] const json* find(const std::set<std::string>& causes) const {
        if (!document.contains("diagnoses")) return nullptr;
        for (const json& one : document.at("diagnoses"))
            if (causes.contains(one.value("cause", ""))) return &one;
        return nullptr;
    }
};

Said diagnose() {
    const Ended ended = run_program({MEDIC_BINARY_DIR "/medic", "diagnose", "--config", data_folder() + "/medic.yaml",
                                     "--for", "10", "-o", "json"});
    return {ended.code, json::parse(ended.output, nullptr, false)};
}

// Diagnoses until `holds`; the last answer.
Said diagnose_until(const std::function<bool(const Said&)>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        Said said = diagnose();
        if (holds(said) || std::chrono::steady_clock::now() >= deadline) return said;
    }
}

bool healthy(const Said& said) { return said.exit_code == 0; }

class DiagnoseLive : public ::testing::Test {
protected:
    void SetUp() override {
        if (data_folder().empty()) GTEST_SKIP() << "MEDIC_LIVE_DATA names no platform: run `make test-live`";
        const Said said = diagnose_until(healthy);
        ASSERT_EQ(said.exit_code, 0) << said.document.dump(1);
    }

    struct Expected {
        std::set<std::string> causes;
        std::string side;
    };
    // The fault is told with the right side, and nobody else is blamed for it.
    static void expect(const Expected& expected) {
        const Said said = diagnose_until([&](const Said& one) { return one.find(expected.causes) != nullptr; });
        const json* found = said.find(expected.causes);
        ASSERT_NE(found, nullptr) << said.document.dump(1);
        EXPECT_EQ(said.exit_code, 1);
        for (const json& one : said.document.at("diagnoses"))
            EXPECT_EQ(one.value("side", ""), expected.side) << one.dump(1);
    }
};

TEST_F(DiagnoseLive, a_null_pointer_of_the_job_is_the_users) {
    ASSERT_EQ(run_live({"fault", "null-pointer", "on"}).code, 0);
    expect({{"flink.null-dereference"}, "user"});
    EXPECT_EQ(run_live({"fault", "null-pointer", "off"}).code, 0);
}

TEST_F(DiagnoseLive, a_connector_task_whose_dependency_is_down_is_the_systems) {
    ASSERT_EQ(run_live({"fault", "audit-dependency-down", "on"}).code, 0);
    expect({{"connect.task-failed"}, "system"});
    EXPECT_EQ(run_live({"fault", "audit-dependency-down", "off"}).code, 0);
    // The dependency may need a moment until it answers: a task that is restarted before fails once more.
    HttpClient client;
    const Said mended = diagnose_until([&](const Said& said) {
        if (healthy(said)) return true;
        const auto restarted =
            client.perform({.method = "POST",
                            .url = "http://127.0.0.1:" + std::to_string(port_of("connect-1", "rest")) +
                                   "/connectors/audit-sink/restart?includeTasks=true&onlyFailed=true"});
        EXPECT_TRUE(restarted && restarted->status / 100 == 2)
            << (restarted ? std::to_string(restarted->status) + " " + restarted->body : restarted.error().message);
        return false;
    });
    EXPECT_TRUE(healthy(mended)) << mended.document.dump(1);
}

TEST_F(DiagnoseLive, a_killed_broker_is_named) {
    ASSERT_EQ(run_live({"node", "kill", "--node", "broker-1"}).code, 0);
    expect({{"kafka.broker-lost"}, "system"});
    EXPECT_EQ(run_live({"node", "start", "--node", "broker-1"}).code, 0);
}

TEST_F(DiagnoseLive, a_killed_task_manager_is_named) {
    ASSERT_EQ(run_live({"node", "kill", "--node", "tm-1"}).code, 0);
    expect({{"flink.taskmanager-lost", "flink.taskmanager-absent"}, "system"});
    EXPECT_EQ(run_live({"node", "start", "--node", "tm-1"}).code, 0);
}

}  // namespace
}  // namespace medic::live
