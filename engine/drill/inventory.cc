#include "engine/drill/inventory.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>

namespace medic::engine::drill {
namespace {

constexpr int busy_patience_ms = 5'000;

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

// One statement for all, so that it sees one moment of what the sink goes on writing. The source's producer keeps the
// order: a number that has no row though each partition's last row is beyond it is not on its way.
constexpr const char* counts_of_everything = R"(
WITH numbered AS (SELECT topic, part, offset, json_extract(value, '$.id') AS id FROM records),
     ends AS (SELECT id, max(offset) FROM numbered WHERE id IS NOT NULL GROUP BY topic, part),
     spans AS (SELECT max(offset) - min(offset) + 1 - count(DISTINCT offset) AS missing FROM numbered
               GROUP BY topic, part),
     passed AS (SELECT DISTINCT id FROM numbered WHERE id <= (SELECT min(id) FROM ends))
SELECT (SELECT count(*) FROM numbered),
       (SELECT count(DISTINCT id) FROM numbered),
       (SELECT coalesce(sum(missing), 0) FROM spans),
       (SELECT coalesce((SELECT min(id) FROM ends) - min(id) + 1 - count(*), 0) FROM passed))";

Result<Database> open(const std::string& path) {
    sqlite3* db = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    Database closing(db, &sqlite3_close);
    if (opened != SQLITE_OK) return fail(ErrorCode::unavailable, "{}: cannot be opened", path);
    sqlite3_busy_timeout(db, busy_patience_ms);
    return closing;
}

Result<Statement> prepare(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK)
        return fail(ErrorCode::not_ready, "inventory: {}", sqlite3_errmsg(db));
    return Statement(statement, &sqlite3_finalize);
}

std::uint64_t count_in(sqlite3_stmt* row, int column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(sqlite3_column_int64(row, column), 0));
}

}  // namespace

std::uint64_t Inventory::lost(std::uint64_t excused) const {
    return std::max(missing_offsets - std::min(missing_offsets, excused), missing_numbers);
}

Result<Inventory> count_inventory(const std::string& path) {
    MEDIC_TRY(const Database db, open(path));
    MEDIC_TRY(const Statement statement, prepare(db.get(), counts_of_everything));
    if (sqlite3_step(statement.get()) != SQLITE_ROW)
        return fail(ErrorCode::not_ready, "inventory: {}", sqlite3_errmsg(db.get()));
    const std::uint64_t rows = count_in(statement.get(), 0), records = count_in(statement.get(), 1);
    return Inventory{.records = records,
                     .repeated = rows - records,
                     .missing_offsets = count_in(statement.get(), 2),
                     .missing_numbers = count_in(statement.get(), 3)};
}

Result<std::vector<std::int64_t>> missing_offsets(const std::string& path, std::int32_t partition) {
    MEDIC_TRY(const Database db, open(path));
    MEDIC_TRY(const Statement statement,
              prepare(db.get(),
                      "SELECT offset, next FROM (SELECT offset, lead(offset) OVER (ORDER BY offset) AS next FROM "
                      "records WHERE part = ?) WHERE next > offset + 1"));
    sqlite3_bind_int64(statement.get(), 1, partition);
    std::vector<std::int64_t> missing;
    while (sqlite3_step(statement.get()) == SQLITE_ROW)
        for (auto offset = sqlite3_column_int64(statement.get(), 0) + 1;
             offset < sqlite3_column_int64(statement.get(), 1); ++offset)
            missing.push_back(offset);
    return missing;
}

}  // namespace medic::engine::drill
