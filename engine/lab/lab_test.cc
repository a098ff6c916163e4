#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/lab/lab.h"
#include "engine/lab/plan.h"
#include "engine/lab/processes.h"
#include "engine/lab/state.h"

namespace medic::engine::lab {
namespace {

Result<std::uint16_t> count_up() {
    static std::uint16_t port = 20'000;
    return ++port;
}

LabPlan a_plan(const std::string& data_dir = "/data") {
    auto plan = make_plan({.data_dir = data_dir, .program = "/opt/medic-engine"}, count_up);
    EXPECT_TRUE(plan);
    return *plan;
}

std::string temporary_folder() {
    char folder[] = "/tmp/medic-lab-XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    return folder;
}

TEST(LabPlan, has_every_process_once_and_no_port_twice) {
    const LabPlan plan = a_plan();
    std::set<std::string> names;
    std::set<std::uint16_t> ports = {plan.agent_port};
    std::size_t port_count = 1;
    for (const auto& process : plan.processes) {
        EXPECT_TRUE(names.insert(process.name).second) << process.name;
        for (const auto& [name, port] : process.ports) ports.insert(port), ++port_count;
    }
    EXPECT_EQ(names, (std::set<std::string>{"controller", "broker-1", "broker-2", "broker-3", "connect-1", "jobmanager",
                                            "tm-1", "tm-2", "tm-3", "workload"}));
    EXPECT_EQ(ports.size(), port_count);
}

TEST(LabPlan, keeps_the_spare_warm_and_the_others_working) {
    const LabPlan plan = a_plan();
    EXPECT_TRUE(plan.find("tm-3")->spare);
    EXPECT_FALSE(plan.find("tm-1")->spare);
    EXPECT_EQ(plan.find("tm-3")->spare_argv.back(), "--standby");
    EXPECT_TRUE(plan.find("broker-1")->spare_argv.empty());
}

TEST(LabPlan, writes_a_medic_yaml_with_every_watched_process) {
    const std::string text = medic_yaml(a_plan());
    for (const char* wanted : {"name: broker-3", "name: tm-3", "spare: true", "kind: session-rest",
                               "start_spare:", "kill_task:", "grow:", "fleet_monitor_v2.so"}) {
        EXPECT_NE(text.find(wanted), std::string::npos) << wanted << "\n" << text;
    }
    EXPECT_EQ(text.find("name: workload"), std::string::npos)
        << "the outside of the platform is not the agent's to handle";
}

TEST(Profile, is_named_or_refused) {
    EXPECT_TRUE(find_profile("default"));
    EXPECT_NE(find_profile("fast").error().message.find("quick"), std::string::npos);
}

TEST(LabState, survives_its_file) {
    const std::string folder = temporary_folder();
    LabState state{.plan = a_plan(folder)};
    state.processes["tm-1"] = {{4242, 77}, Standing::running};
    ASSERT_TRUE(save_new_state(state));
    const auto loaded = load_state(folder);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->processes.at("tm-1").id, (ProcessId{4242, 77}));
    EXPECT_EQ(loaded->processes.at("tm-1").standing, Standing::running);
    EXPECT_EQ(loaded->plan.find("tm-2")->argv, state.plan.find("tm-2")->argv);
    EXPECT_EQ(medic_yaml(loaded->plan), medic_yaml(state.plan));
    std::filesystem::remove_all(folder);
}

TEST(LabState, says_where_no_lab_is) {
    const auto loaded = load_state("/nowhere");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::not_ready);
    EXPECT_NE(loaded.error().message.find("medic lab up"), std::string::npos);
}

// A lab of two processes that only sleep.
class SleepingLab : public ::testing::Test {
protected:
    void SetUp() override {
        LabState state{.plan = {.options = {.data_dir = folder_}}};
        for (const char* name : {"tm-1", "tm-2"})
            state.plan.processes.push_back({.name = name, .role = Role::taskmanager, .argv = {"/bin/sleep", "1000"}});
        std::filesystem::create_directories(folder_ + "/logs");
        ASSERT_TRUE(save_new_state(state));
        for (const auto& process : state.plan.processes)
            ASSERT_TRUE(start_process(folder_, process.name, Standing::running));
        started_ = load_state(folder_)->processes;
    }
    void TearDown() override {
        for (const auto& [name, process] : started_) terminate(process.id, Duration(0));
        std::filesystem::remove_all(folder_);
    }
    [[nodiscard]] bool lives() const {
        return std::ranges::any_of(started_, [](const auto& one) { return is_alive(one.second.id); });
    }
    [[nodiscard]] bool has(const std::string& entry) const { return std::filesystem::exists(folder_ + "/" + entry); }

    const std::string folder_ = temporary_folder();
    std::map<std::string, ProcessState> started_;
};

TEST_F(SleepingLab, goes_with_all_its_files) {
    ASSERT_TRUE(lives());
    EXPECT_TRUE(down(folder_, Leave::nothing));
    EXPECT_FALSE(lives());
    EXPECT_FALSE(has(""));
}

TEST_F(SleepingLab, leaves_what_is_somebody_elses) {
    std::ofstream(folder_ + "/thesis.txt") << "mine";
    EXPECT_TRUE(down(folder_, Leave::nothing));
    EXPECT_TRUE(has("thesis.txt"));
    EXPECT_FALSE(has("lab.json"));
    EXPECT_FALSE(has("logs"));
}

TEST_F(SleepingLab, ends_whole_where_its_file_cannot_be_written) {
    std::filesystem::create_directory(folder_ + "/lab.json.new");  // As a full disk: no new lab.json.
    const Status kept = down(folder_, Leave::files);
    ASSERT_FALSE(kept);
    EXPECT_NE(kept.error().message.find("lab.json"), std::string::npos) << kept.error().message;
    EXPECT_FALSE(lives());
    EXPECT_TRUE(down(folder_, Leave::nothing));
    EXPECT_FALSE(has(""));
}

TEST_F(SleepingLab, starts_nothing_any_more_once_it_is_ended) {
    EXPECT_TRUE(down(folder_, Leave::files));
    EXPECT_EQ(start_process(folder_, "tm-1", Standing::running).error().code, ErrorCode::not_ready);
    EXPECT_FALSE(is_alive(load_state(folder_)->processes.at("tm-1").id));
    ASSERT_TRUE(save_new_state({.plan = load_state(folder_)->plan}));  // As up() does.
    EXPECT_TRUE(start_process(folder_, "tm-1", Standing::running));
    started_["again"] = load_state(folder_)->processes.at("tm-1");
}

TEST(LabUp, refuses_a_folder_where_it_would_write_over_somebodys_files) {
    const std::string folder = temporary_folder();
    std::filesystem::create_directories(folder + "/output/mine");
    const Status refused = up({.data_dir = folder, .program = "/bin/true"}, [](const std::string&) {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_NE(refused.error().message.find("output"), std::string::npos) << refused.error().message;
    EXPECT_FALSE(std::filesystem::exists(folder + "/logs"));
    std::filesystem::remove_all(folder);
}

TEST(LabUp, gives_up_when_it_is_interrupted_and_leaves_nothing_running) {
    const std::string folder = temporary_folder();
    std::ofstream(folder + "/lab.log") << "of whoever starts it";
    const Status ended =
        up({.data_dir = folder, .program = "/bin/true", .interrupted = [] { return true; }}, [](const std::string&) {});
    ASSERT_FALSE(ended);
    EXPECT_NE(ended.error().message.find("interrupted"), std::string::npos) << ended.error().message;
    const auto state = load_state(folder);
    ASSERT_TRUE(state);
    EXPECT_TRUE(state->closing);
    for (const auto& [name, process] : state->processes) EXPECT_FALSE(is_alive(process.id)) << name;
    std::filesystem::remove_all(folder);
}

TEST(NodeStatus, of_a_node_without_a_process_is_pid_0) {
    LabState state{.plan = a_plan()};
    EXPECT_EQ(nlohmann::json::parse(status_json(state, "tm-1")).at("pid"), 0);
    // Another process got its pid meanwhile: the start time tells.
    state.processes["tm-1"] = {{::getpid(), 1}, Standing::running};
    EXPECT_EQ(nlohmann::json::parse(status_json(state, "tm-1")).at("pid"), 0);
}

TEST(NodeStatus, of_a_living_process_has_its_start_time) {
    LabState state{.plan = a_plan()};
    state.processes["tm-1"] = {*find_process(::getpid()), Standing::spare};
    const auto status = nlohmann::json::parse(status_json(state, "tm-1"));
    EXPECT_EQ(status.at("pid"), ::getpid());
    EXPECT_GT(status.at("start_time").get<double>(), 1e9);
    EXPECT_EQ(status.at("spare"), true);
}

}  // namespace
}  // namespace medic::engine::lab
