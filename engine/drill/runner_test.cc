#include "engine/drill/runner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "engine/common/process.h"

namespace medic::engine::drill {
namespace {

TEST(Runner, begins_nothing_once_it_is_interrupted) {
    Runner runner({.work_dir = "/nowhere", .interrupted = [] { return true; }}, [](const std::string&) {});
    const auto result = runner.run({.name = "any"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "interrupted");
}

TEST(Runner, leaves_no_process_of_a_lab_that_was_still_coming_up) {
    char folder[] = "/tmp/medic-runner-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    {
        std::atomic<int> asked = 0;
        Runner runner({.work_dir = folder,
                       .engine_program = "/bin/true",
                       .leave = lab::Leave::files,
                       .without = WithoutAgent::skip,
                       .interrupted = [&] { return asked++ > 0; }},
                      [](const std::string&) {});
        const auto result = runner.run({.name = "any"});
        ASSERT_FALSE(result);
        EXPECT_NE(result.error().message.find("interrupted"), std::string::npos) << result.error().message;
    }
    const auto state = lab::load_state(std::string(folder) + "/with-1");
    ASSERT_TRUE(state) << state.error().message;
    for (const auto& [name, process] : state->processes) EXPECT_FALSE(is_alive(process.id)) << name;
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace medic::engine::drill
