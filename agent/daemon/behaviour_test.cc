#include "agent/daemon/behaviour.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace medic {
namespace {

struct Behaviour : testing::Test {
    Behaviour() {
        char name[] = "/tmp/medic-behaviour-XXXXXX";
        folder = ::mkdtemp(name);
        std::filesystem::create_directories(folder + "/rules/causes");
        write("policy.yaml", "schema: 1\n");
        write("rules/causes/kafka.yaml", "schema: 1\n");
    }
    ~Behaviour() override { std::filesystem::remove_all(folder); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder + "/" + name, std::ios::trunc) << text;
    }
    [[nodiscard]] std::string now(const std::string& program = "medic 1") const {
        const auto hash = behaviour_of(
            {.program = program, .policy_path = folder + "/policy.yaml", .rules_directory = folder + "/rules"});
        EXPECT_TRUE(hash) << hash.error().message;
        return hash.value_or("");
    }
    std::string folder;
};

TEST_F(Behaviour, IsTheSameAsLongAsNothingIsChanged) {
    const std::string before = now();
    write("policy.yaml", "schema: 1\n");
    EXPECT_EQ(now(), before);
}

TEST_F(Behaviour, IsAnotherWithAnotherPolicyRuleOrProgram) {
    const std::string before = now();
    write("policy.yaml", "schema: 1\ncatalogue: 2\n");
    const std::string policy = now();
    EXPECT_NE(policy, before);
    write("rules/causes/kafka.yaml", "schema: 1 # \n");
    const std::string rules = now();
    EXPECT_NE(rules, policy);
    write("rules/causes/more.yaml", "");
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
    const auto none = behaviour_of({.program = "medic 1", .policy_path = folder + "/no.yaml", .rules_directory = ""});
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("no.yaml"), std::string::npos);
    EXPECT_FALSE(behaviour_of({.program = "medic 1", .policy_path = "", .rules_directory = folder + "/none"}));
}

}  // namespace
}  // namespace medic
