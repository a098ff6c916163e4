#include "classifiers/rules/rule_reports.h"

#include <gtest/gtest.h>

#include "agent/base/test_folder_internal.h"

namespace medic {
namespace {

bool is_good(const std::string& file, std::string* said = nullptr) {
    const RuleReport report = check_rules(std::span(&file, 1));
    if (said != nullptr) *said = report.text;
    return report.ok;
}

TEST(RuleReports, a_directory_and_a_file_that_is_lost_are_no_rules) {
    const TestFolder folder;
    std::string said;
    EXPECT_FALSE(is_good(folder.path.string(), &said));
    EXPECT_NE(said.find("is a directory"), std::string::npos) << said;
    for (const char* lost : {"", "# groups: later\n"}) EXPECT_FALSE(is_good(folder.write("empty.yaml", lost))) << lost;
    EXPECT_TRUE(is_good(folder.write("meant.yaml", "groups: []\n"))) << "as promtool takes it";
}

}  // namespace
}  // namespace medic
