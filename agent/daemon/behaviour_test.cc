#include "agent/daemon/behaviour.h"

#include <gtest/gtest.h>

#include "agent/base/test_folder_internal.h"

namespace medic {
namespace {

struct Behaviour : testing::Test {
    Behaviour() {
        folder.write("policy.yaml", "schema: 1\n");
        folder.write("rules/causes/kafka.yaml", "schema: 1\n");
    }
    [[nodiscard]] std::string in(const std::string& name) const { return (folder.path / name).string(); }
    [[nodiscard]] std::string now(const std::string& program = "medic 1") const {
        const auto hash =
            behaviour_of({.program = program, .policy_path = in("policy.yaml"), .rules_directory = in("rules")});
        EXPECT_TRUE(hash) << hash.error().message;
        return hash.value_or("");
    }
    const TestFolder folder;
};

TEST_F(Behaviour, IsTheSameAsLongAsNothingIsChanged) {
    const std::string before = now();
    folder.write("policy.yaml", "schema: 1\n");
    EXPECT_EQ(now(), before);
}

TEST_F(Behaviour, IsAnotherWithAnotherPolicyRuleOrProgram) {
    const std::string before = now();
    folder.write("policy.yaml", "schema: 1\ncatalogue: 2\n");
    const std::string policy = now();
    EXPECT_NE(policy, before);
    folder.write("rules/causes/kafka.yaml", "schema: 1 # \n");
    const std::string rules = now();
    EXPECT_NE(rules, policy);
    folder.write("rules/causes/more.yaml", "");
    EXPECT_NE(now(), rules);
    EXPECT_NE(now("medic 2"), now());
}

TEST_F(Behaviour, WithoutFilesItIsTheProgramAndWhatIsCompiledIn) {
    const auto one = behaviour_of({.program = "medic 1", .policy_path = "", .rules_directory = ""});
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(*one, *behaviour_of({.program = "medic 1", .policy_path = "", .rules_directory = ""}));
    EXPECT_NE(*one, *behaviour_of({.program = "medic 2", .policy_path = "", .rules_directory = ""}));
}

TEST_F(Behaviour, AFileThatIsNotThereIsToldOf) {
    const auto none = behaviour_of({.program = "medic 1", .policy_path = in("no.yaml"), .rules_directory = ""});
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("no.yaml"), std::string::npos);
    EXPECT_FALSE(behaviour_of({.program = "medic 1", .policy_path = "", .rules_directory = in("none")}));
}

}  // namespace
}  // namespace medic
