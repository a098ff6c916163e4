#include "agent/practice/undo.h"

#include <gtest/gtest.h>

#include "agent/base/test_folder_internal.h"

namespace medic::practice {
namespace {

using Kind = UndoStep::Kind;

UndoRecord lost() {
    return {.id = "D-20261129T211502.123Z",
            .fault = "taskmanager-lost",
            .cluster = "staging",
            .node = "tm-1",
            .by = "ana",
            .at = {1'700'000'000'000},
            .newest_incident = 7,
            .spares_before = {"tm-3"},
            .pid = 4711,
            .start_time = 1'699'999'000.5};
}
UndoRecord frozen() {
    UndoRecord record = lost();
    record.fault = "taskmanager-frozen";
    return record;
}
NodeSight running(int pid, double start = 1'699'999'000.5, bool stopped = false) {
    return {.up = true, .stopped = stopped, .spare = false, .pid = pid, .start_time = start};
}
NodeSight down() { return {.up = false, .stopped = {}, .spare = {}}; }

TEST(Undo, a_lost_node_is_started_and_one_that_runs_is_not) {
    EXPECT_EQ(next_undo(lost(), {.node = down()}).kind, Kind::start);
    EXPECT_EQ(next_undo(lost(), {.node = running(5000, 1'700'000'010)}).kind, Kind::done);
    EXPECT_EQ(next_undo(lost(), {.node = running(4711)}).kind, Kind::done) << "it was never lost";
}

TEST(Undo, what_is_not_known_is_not_touched) {
    const UndoStep step = next_undo(lost(), {.node = {.problem = "its status command ended with 1"}});
    EXPECT_EQ(step.kind, Kind::look_again);
    EXPECT_TRUE(step.why.contains("ended with 1"));
    UndoRecord strange = lost();
    strange.fault = "disk-full";
    EXPECT_EQ(next_undo(strange, {.node = down()}).kind, Kind::person);
}

TEST(Undo, nothing_is_started_beside_the_agent_or_what_has_taken_its_place) {
    EXPECT_EQ(next_undo(lost(), {.node = down(), .agent_at_work = true}).kind, Kind::look_again);
    UndoQuestion replaced{.node = down(), .replaced_by = "tm-3", .can_start_spare = true};
    EXPECT_EQ(next_undo(lost(), replaced).kind, Kind::start_spare);
    replaced.can_start_spare = false;
    const UndoStep left = next_undo(lost(), replaced);
    EXPECT_EQ(left.kind, Kind::done);
    EXPECT_TRUE(left.why.contains("by hand"));
}

TEST(Undo, only_the_very_process_that_was_stopped_is_let_go_on) {
    EXPECT_EQ(next_undo(frozen(), {.node = running(4711, 1'699'999'000.5, true)}).kind, Kind::thaw);
    EXPECT_EQ(next_undo(frozen(), {.node = running(4711, 1'699'999'000.5, true), .agent_at_work = true}).kind,
              Kind::thaw);
    EXPECT_EQ(next_undo(frozen(), {.node = running(4711)}).kind, Kind::done);
    // The pid has gone to another process, which somebody else has stopped.
    EXPECT_EQ(next_undo(frozen(), {.node = running(4711, 1'700'000'100, true)}).kind, Kind::person);
    EXPECT_EQ(next_undo(frozen(), {.node = running(5000, 1'699'999'000.5, true)}).kind, Kind::person);
    EXPECT_EQ(next_undo(lost(), {.node = running(4711, 1'699'999'000.5, true)}).kind, Kind::person);
    // The agent has fenced it and started another.
    EXPECT_EQ(next_undo(frozen(), {.node = running(5000, 1'700'000'100)}).kind, Kind::done);
    EXPECT_EQ(next_undo(frozen(), {.node = down()}).kind, Kind::start);
}

TEST(DrillFiles, the_undo_is_there_until_it_is_dropped) {
    const TestFolder folder;
    const std::string data_dir = folder.path.string();
    EXPECT_FALSE(find_undo(data_dir)->has_value());
    EXPECT_EQ(left_to_undo(data_dir, "staging.yaml"), "");
    EXPECT_TRUE(drop_undo(data_dir)) << "nothing there is no error";
    ASSERT_TRUE(keep_undo(data_dir, lost()));
    const auto back = find_undo(data_dir);
    ASSERT_TRUE(back && *back);
    EXPECT_EQ(encode(**back), encode(lost()));
    const std::string said = left_to_undo(data_dir, "staging.yaml");
    EXPECT_TRUE(said.contains("taskmanager-lost on tm-1") && said.contains("medic drill --undo --config staging.yaml"))
        << said;
    ASSERT_TRUE(drop_undo(data_dir));
    EXPECT_FALSE(find_undo(data_dir)->has_value());
}

TEST(DrillFiles, an_undo_that_can_not_be_read_is_no_absence) {
    const TestFolder folder;
    for (const char* text : {"", "{", "{\"schema\":2}", "{\"schema\":1,\"id\":\"D-1\",\"fault\":\"broker-lost\"}"}) {
        folder.write("drills/undo.json", text);
        const auto found = find_undo(folder.path.string());
        ASSERT_FALSE(found) << text;
        EXPECT_EQ(found.error().code, ErrorCode::invalid);
        EXPECT_NE(left_to_undo(folder.path.string(), "x.yaml"), "");
    }
}

TEST(DrillFiles, results_are_kept_up_to_a_bound_and_read_back) {
    const TestFolder folder;
    const std::string data_dir = folder.path.string();
    const auto document = [](const std::string& id) {
        return R"({"schema":1,"drill":{"id":")" + id +
               R"(","fault":"broker-lost","passed":true,"at_ms":5,"incidents":["I4"]}})";
    };
    for (std::size_t i = 0; i < results_max + 2; ++i) {
        const std::string id = fmt::format("D-{:04}", i);
        folder.write("drills/" + id + ".json", document(id));
    }
    ASSERT_TRUE(keep_result(data_dir, "D-5000", document("D-5000")));
    folder.write("drills/D-9999.json", "{");
    const auto past = past_drills(data_dir);
    ASSERT_EQ(past.size(), results_max);
    EXPECT_EQ(past.front().id, "D-0003");
    EXPECT_TRUE(past.back().passed);
    EXPECT_EQ(past.back().incidents, std::vector<std::string>{"I4"});
}

}  // namespace
}  // namespace medic::practice
