// How often the catalogue is right on the project's own failure texts, and that its pages are up to date.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "classifiers/diagnosis/cause_pages.h"
#include "classifiers/diagnosis/classifier.h"

namespace medic {
namespace {

struct Tally {
    int texts = 0, side = 0, group = 0, silent = 0;
};

double share(int right, int all) { return all == 0 ? 1.0 : static_cast<double>(right) / all; }

TEST(Failures, SideAndGroupAreRightOnOurOwnTexts) {
    auto catalogue = Catalogue::load_embedded();
    ASSERT_TRUE(catalogue.has_value());
    const Classifier classifier{*std::move(catalogue)};
    std::ifstream in{"classifiers/diagnosis/testdata/failures.jsonl"};
    ASSERT_TRUE(in.good()) << "run from the repository's root";
    Tally all, hard;
    std::map<std::string, Tally> components;
    std::set<std::string> ids;
    for (std::string line; std::getline(in, line);) {
        const auto one = nlohmann::json::parse(line);
        EXPECT_TRUE(ids.insert(one.at("id").get<std::string>()).second) << one.at("id");
        const auto component = one.at("component").get<std::string>();
        const auto told = classifier.classify_text(one.at("text").get<std::string>(), parse_component(component));
        const bool side = to_string(told.side) == one.at("side").get<std::string>();
        const bool group = told.cause_group == one.at("cause").get<std::string>();
        std::vector<Tally*> tallies{&all, &components[component]};
        if (one.value("hard", false)) tallies.push_back(&hard);
        for (auto* tally : tallies)
            ++tally->texts, tally->side += side, tally->group += group, tally->silent += told.cause.empty();
    }
    EXPECT_GE(all.texts, 300);
    EXPECT_GE(share(all.side, all.texts), 0.95);
    EXPECT_GE(share(all.group, all.texts), 0.90);
    EXPECT_LE(share(all.silent, all.texts), 0.05);
    EXPECT_GE(share(hard.side, hard.texts), 0.75);
    for (const auto& [name, tally] : components) EXPECT_GE(share(tally.side, tally.texts), 0.90) << name;
}

TEST(CausePages, AreUpToDate) {
    const auto catalogue = Catalogue::load_embedded();
    ASSERT_TRUE(catalogue.has_value());
    std::set<std::string> written;
    for (const auto& page : cause_pages(*catalogue)) {
        written.insert(page.file);
        std::ifstream in{"docs/causes/" + page.file};
        const std::string there{std::istreambuf_iterator<char>{in}, {}};
        EXPECT_EQ(there, page.text) << page.file << ": run `medic rules causes --markdown docs/causes`";
    }
    for (const auto& entry : std::filesystem::directory_iterator{"docs/causes"})
        EXPECT_TRUE(written.contains(entry.path().filename().string())) << entry.path() << " is no cause's page";
}

}  // namespace
}  // namespace medic
