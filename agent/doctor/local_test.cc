#include "agent/doctor/local.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fcntl.h>

#include "agent/base/test_folder_internal.h"

namespace medic::doctor {
namespace {

const Check& named(const std::vector<Check>& checks, const std::string& what) {
    return *std::ranges::find_if(checks, [&](const Check& one) { return one.what.starts_with(what); });
}

TEST(Local, secrets_that_everybody_reads_and_a_corrupt_journal_are_bad) {
    const TestFolder folder;
    Config config;
    config.data_dir = folder.path.string();
    config.api_token_file = (folder.path / "token").string();
    std::ofstream(config.api_token_file) << "ana 0123456789abcdef\n";
    std::filesystem::permissions(config.api_token_file, std::filesystem::perms(0600));
    for (const Check& one : local(config, {1})) EXPECT_EQ(one.grade, Grade::good) << one.what << ": " << one.text;
    std::filesystem::permissions(config.api_token_file, std::filesystem::perms(0644));
    std::ofstream(folder.path / "journal.db") << std::string(8'192, 'x');
    const auto checks = local(config, {1});
    EXPECT_EQ(named(checks, "token_file").grade, Grade::bad);
    EXPECT_NE(named(checks, "token_file").text.find("chmod 600"), std::string::npos);
    EXPECT_EQ(named(checks, "journal").grade, Grade::bad);
    EXPECT_EQ(named(checks, "data_dir").grade, Grade::good);
}

TEST(Local, a_running_agent_is_seen_by_its_lock) {
    const TestFolder folder;
    Config config;
    config.data_dir = folder.path.string();
    EXPECT_EQ(named(local(config, {1}), "agents").text, "none runs");
    const int fd = open((folder.path / "lock").c_str(), O_CREAT | O_RDWR, 0600);
    ASSERT_EQ(flock(fd, LOCK_EX), 0);
    EXPECT_NE(named(local(config, {1}), "agents").text.find("one runs"), std::string::npos);
    close(fd);
}

TEST(Local, a_data_dir_that_is_a_file_or_in_nowhere_is_told_with_the_command) {
    const TestFolder folder;
    Config config;
    config.data_dir = (folder.path / "file").string();
    std::ofstream(config.data_dir) << "x";
    EXPECT_EQ(named(local(config, {1}), "data_dir").text, "is not a folder");
    config.data_dir = (folder.path / "not" / "yet").string();
    EXPECT_EQ(named(local(config, {1}), "data_dir").text, "is not there yet; the agent will make it");
    EXPECT_FALSE(std::filesystem::exists(folder.path / "not"));
}

TEST(Local, a_sidecar_needs_the_programs_of_its_drivers_and_has_no_journal) {
    const TestFolder folder;
    Config config;
    config.scope = Scope::node;
    config.data_dir = folder.path.string();
    NodeConfig good{.name = "tm-1", .role = "taskmanager", .zone = "", .driver = {}}, bad = good;
    good.driver.commands = {{"status", {"sh", "-c", "true"}}, {"kill", {"/bin/sh"}}};
    bad.name = "tm-2";
    bad.driver.commands = {{"status", {"sh"}}, {"kill", {"/no/such/program"}}, {"start", {"no-such-program"}}};
    config.clusters.push_back({.name = "c"});
    config.clusters[0].nodes = {good, bad};
    const auto checks = local(config, {1});
    EXPECT_EQ(named(checks, "node tm-1").grade, Grade::good);
    EXPECT_EQ(named(checks, "node tm-2").grade, Grade::bad);
    EXPECT_EQ(named(checks, "node tm-2").text, "can't be run: kill: /no/such/program, start: no-such-program");
    EXPECT_TRUE(std::ranges::none_of(checks, [](const Check& one) { return one.what.starts_with("journal"); }));
}

}  // namespace
}  // namespace medic::doctor
