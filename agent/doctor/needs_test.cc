// What a rule or an analyzer can't do without (needs.cc).
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "agent/doctor/test_support_internal.h"
#include "classifiers/rules/promql/parser.h"

namespace medic::doctor {
namespace {

TEST(Needs, either_side_of_or_is_enough_and_recorded_series_are_followed) {
    const RuleFileText file{
        "own.yaml", "groups:\n  - name: g\n    rules:\n      - {record: \"a:rate\", expr: 'rate(a_total[5m])'}\n"};
    const RuleSet rules = RuleSet::parse(std::span(&file, 1)).value();
    const auto told = [](const std::string& series, const std::string& role) {
        return series == "a_total" || role == "broker";
    };
    const auto see = [&](const char* expression) {
        std::set<std::string> missing;
        const bool seen = can_be_seen(expression, told, rules, missing);
        return std::pair(seen, std::vector<std::string>(missing.begin(), missing.end()));
    };
    using Names = std::vector<std::string>;
    EXPECT_EQ(see("a_total or b"), std::pair(true, Names{}));
    EXPECT_EQ(see("b or c"), std::pair(false, Names{"b", "c"}));
    EXPECT_EQ(see("a_total and b > 1"), std::pair(false, Names{"b"}));
    EXPECT_EQ(see("a_total unless b"), std::pair(true, Names{}));
    EXPECT_EQ(see("sum by (x) (a:rate) / b"), std::pair(false, Names{"b"}));
    EXPECT_EQ(see("process_up{role=\"broker\"}"), std::pair(true, Names{}));
    EXPECT_EQ(see("process_up{role=\"taskmanager\"}"), std::pair(false, Names{"process_up@taskmanager"}));
    EXPECT_EQ(see(""), std::pair(true, Names{}));
}

TEST(Needs, of_every_analyzer_are_series_that_exist_and_that_it_reads) {
    for (const auto& analyzer : knowing().analyzers) {
        std::ifstream in("classifiers/analyzers/" + std::string(analyzer.name) + "/" + std::string(analyzer.name) +
                         ".cc");
        const std::string source(std::istreambuf_iterator<char>(in), {});
        ASSERT_FALSE(source.empty()) << analyzer.name;
        EXPECT_FALSE(analyzer.needs.empty()) << analyzer.name << ": say in `needs` which series it can't do without";
        std::set<std::string> named;
        const auto collect = [&](const std::string& series, const std::string&) { return named.insert(series), false; };
        std::set<std::string> missing;
        ASSERT_NE(promql::parse(analyzer.needs).root, nullptr) << analyzer.name << ": `needs` is no expression";
        EXPECT_FALSE(can_be_seen(analyzer.needs, collect, knowing().rules, missing));
        for (const std::string& series : named)
            EXPECT_NE(CanonicalNames::built_in().find(series), nullptr) << analyzer.name << ": " << series;
    }
}

}  // namespace
}  // namespace medic::doctor
