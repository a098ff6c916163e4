#include "engine/drill/inventory.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

namespace medic::engine::drill {
namespace {

class InventoryDatabase : public ::testing::Test {
protected:
    void SetUp() override {
        char folder[] = "/tmp/medic-inventory-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        ASSERT_EQ(sqlite3_open(path().c_str(), &db_), SQLITE_OK);
        run("CREATE TABLE records (topic TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL, timestamp_ms "
            "INTEGER NOT NULL, key TEXT, value TEXT)");
    }
    void TearDown() override {
        sqlite3_close(db_);
        std::filesystem::remove_all(folder_);
    }
    void run(const std::string& sql) {
        ASSERT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
    }
    void row(int partition, int offset, int number) {
        run(fmt::format(R"(INSERT INTO records VALUES ('inventory', {}, {}, 0, NULL, '{{"id":{},"server":"s-1"}}'))",
                        partition, offset, number));
    }
    [[nodiscard]] std::string path() const { return folder_ + "/inventory.db"; }
    [[nodiscard]] Inventory counted() const {
        const auto counted = count_inventory(path());
        EXPECT_TRUE(counted) << counted.error().message;
        return counted.value_or(Inventory{});
    }

private:
    std::string folder_;
    sqlite3* db_ = nullptr;
};

TEST_F(InventoryDatabase, has_each_record_once) {
    for (int i = 0; i < 10; ++i) row(i % 2, i / 2, i);
    const Inventory all = counted();
    EXPECT_EQ(all.records, 10U);
    EXPECT_EQ(all.repeated, 0U);
    EXPECT_EQ(all.lost(), 0U);
}

TEST_F(InventoryDatabase, sees_what_never_got_to_the_topic) {
    for (const int number : {0, 1, 2, 5, 6}) row(0, number < 3 ? number : number - 2, number);
    EXPECT_EQ(counted().missing_offsets, 0U);
    EXPECT_EQ(counted().lost(), 2U);
}

TEST_F(InventoryDatabase, sees_what_the_sink_has_left_out_once) {
    for (const int number : {0, 1, 3, 4}) row(0, number, number);
    EXPECT_EQ(counted().lost(), 1U);
}

TEST_F(InventoryDatabase, a_repeated_row_hides_no_gap) {
    for (const int number : {0, 1, 1, 3, 4}) row(0, number, number);
    EXPECT_EQ(counted().repeated, 1U);
    EXPECT_EQ(counted().missing_offsets, 1U);
    EXPECT_EQ(counted().lost(), 1U);
}

TEST_F(InventoryDatabase, what_the_slowest_partition_has_not_come_to_is_on_its_way) {
    for (const int number : {0, 2, 4, 6, 8}) row(0, number / 2, number);
    for (const int number : {1, 3}) row(1, number / 2, number);
    EXPECT_EQ(counted().lost(), 0U);
}

TEST_F(InventoryDatabase, what_a_source_writes_again_after_a_crash_is_not_lost) {
    row(0, 0, 0);
    row(0, 1, 2);  // Record 1 was to go into the other partition when the source was killed: it begins again at 1.
    row(1, 0, 1);
    row(0, 2, 2);
    row(0, 3, 3);
    EXPECT_EQ(counted().repeated, 1U);
    EXPECT_EQ(counted().lost(), 0U);
}

TEST_F(InventoryDatabase, an_excused_offset_excuses_no_record_of_the_source) {
    for (const int number : {0, 1, 2, 3}) row(0, number < 2 ? number : number + 1, number);  // Poison at offset 2.
    EXPECT_EQ(counted().lost(), 1U);
    EXPECT_EQ(counted().lost(1), 0U);
    const auto missing = missing_offsets(path(), 0);
    ASSERT_TRUE(missing);
    EXPECT_EQ(*missing, std::vector<std::int64_t>{2});
    row(0, 5, 5);  // The source has lost record 4.
    EXPECT_EQ(counted().lost(1), 1U);
}

TEST_F(InventoryDatabase, of_no_row_says_nothing_is_there) { EXPECT_EQ(counted().records, 0U); }

TEST(Inventory, needs_its_database) {
    EXPECT_EQ(count_inventory("/nowhere/inventory.db").error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace medic::engine::drill
