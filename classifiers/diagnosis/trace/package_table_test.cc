#include "classifiers/diagnosis/trace/package_table_internal.h"

#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr std::array entries{PackageTable::Entry{"org.acme.", FrameOwner::library},
                             PackageTable::Entry{"org.acme.flink.", FrameOwner::connector},
                             PackageTable::Entry{"std::", FrameOwner::jdk},
                             PackageTable::Entry{"a:", FrameOwner::kafka},
                             PackageTable::Entry{"org.acme.", FrameOwner::user},
                             PackageTable::Entry{"gr\xc3\xb6.", FrameOwner::connect},
                             PackageTable::Entry{"a.b.c.d.e.f.g.h.", FrameOwner::jdk},
                             PackageTable::Entry{"a.b.c.d.e.f.g.h.i.", FrameOwner::user}};

TEST(PackageTable, TheLongestPackageCounts) {
    const PackageTable table{entries};
    EXPECT_EQ(table.longest("org.acme.Job.run"), FrameOwner::library);
    EXPECT_EQ(table.longest("org.acme.flink.Sink.write"), FrameOwner::connector);
    EXPECT_EQ(table.longest("std::vector<int>::at"), FrameOwner::jdk);
    EXPECT_EQ(table.longest("a:b"), FrameOwner::kafka);
    EXPECT_EQ(table.longest("gr\xc3\xb6.X.f"), FrameOwner::connect);
}

TEST(PackageTable, AnythingElseIsNobodys) {
    const PackageTable table{entries};
    for (const std::string_view name : {"", ".", "::", "org.acmes.Job", "org.acme", "Org.acme.Job", "xorg.acme.Job",
                                        "std:x", "a::b", "gr\xc3.X", "org.flink.X"})
        EXPECT_EQ(table.longest(name), std::nullopt) << name;
    EXPECT_EQ(PackageTable{{}}.longest("org.acme.Job"), std::nullopt);
}

TEST(PackageTable, LooksAtEightBorders) {
    EXPECT_EQ(PackageTable{entries}.longest("a.b.c.d.e.f.g.h.i.X"), FrameOwner::jdk);
}

TEST(PackageTable, FindsWhatAPlainSearchFinds) {
    const PackageTable table{entries};
    std::mt19937 random{7};
    constexpr std::array parts{"org.", "acme.", "flink.", "std", "::", ":", "a", ".", "X", "b."};
    for (int round = 0; round < 20'000; ++round) {
        std::string name;
        for (auto count = random() % 6; count > 0; --count) name += parts[random() % parts.size()];
        const PackageTable::Entry* best = nullptr;
        for (const auto& entry : entries) {
            const bool border = entry.first != "a:" || !name.starts_with("a::");  // "::" is one border.
            if (border && name.starts_with(entry.first) && (best == nullptr || entry.first.size() > best->first.size()))
                best = &entry;
        }
        ASSERT_EQ(table.longest(name), best == nullptr ? std::nullopt : std::optional{best->second}) << name;
    }
}

}  // namespace
}  // namespace medic
