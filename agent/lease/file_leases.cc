#include "agent/lease/file_leases.h"

#include "agent/sqlite/sqlite.h"

namespace medic {
namespace {

using sqlite::Database;
using sqlite::Statement;

struct Row {
    std::string holder, boot;
    std::int64_t token = 0, until_ms = 0;
};

class FileLeases final : public LeaseStore {
public:
    FileLeases(FileLeasesOptions options, Database database)
        : options_(std::move(options)), database_(std::move(database)) {}

    Result<LeaseGrant> claim(const std::string& cluster) override {
        MEDIC_CHECK(database_.execute("BEGIN IMMEDIATE"));
        auto grant = claim_within(cluster);
        if (auto ended = database_.execute(grant ? "COMMIT" : "ROLLBACK"); grant && !ended)
            return std::unexpected(ended.error());
        return grant;
    }

    Status release(const std::string& cluster) override {
        MEDIC_TRY(auto statement, Statement::prepare(database_,
                                                     "UPDATE lease SET until_ms = 0 WHERE cluster = ?1 AND "
                                                     "holder = ?2"));
        statement.bind(1, cluster);
        statement.bind(2, options_.holder);
        MEDIC_CHECK(statement.step());
        return {};
    }

private:
    Result<LeaseGrant> claim_within(const std::string& cluster) {
        MEDIC_TRY(const Row row, read(cluster));
        const std::int64_t now = options_.clock().time_since_epoch().count();
        const bool held = row.boot == options_.boot && row.until_ms > now;
        if (held && row.holder != options_.holder)
            return LeaseGrant{.ours = false, .holder = row.holder, .token = static_cast<std::uint64_t>(row.token)};
        const std::int64_t token = held ? row.token : row.token + 1;
        MEDIC_CHECK(write(cluster, {options_.holder, options_.boot, token, now + options_.ttl.count()}));
        return LeaseGrant{.ours = true, .holder = options_.holder, .token = static_cast<std::uint64_t>(token)};
    }

    Result<Row> read(const std::string& cluster) {
        MEDIC_TRY(auto statement,
                  Statement::prepare(database_, "SELECT holder, boot, token, until_ms FROM lease WHERE cluster = ?1"));
        statement.bind(1, cluster);
        MEDIC_TRY(const bool there, statement.step());
        if (!there) return Row{};
        return Row{statement.text(0), statement.text(1), statement.integer(2), statement.integer(3)};
    }

    Status write(const std::string& cluster, const Row& row) {
        MEDIC_TRY(auto statement,
                  Statement::prepare(database_,
                                     "INSERT INTO lease (cluster, holder, boot, token, until_ms) VALUES "
                                     "(?1, ?2, ?3, ?4, ?5) ON CONFLICT (cluster) DO UPDATE SET holder = ?2, "
                                     "boot = ?3, token = ?4, until_ms = ?5"));
        statement.bind(1, cluster);
        statement.bind(2, row.holder);
        statement.bind(3, row.boot);
        statement.bind(4, row.token);
        statement.bind(5, row.until_ms);
        MEDIC_CHECK(statement.step());
        return {};
    }

    FileLeasesOptions options_;
    Database database_;
};

}  // namespace

Result<std::unique_ptr<LeaseStore>> open_file_leases(FileLeasesOptions options) {
    MEDIC_TRY(Database database, Database::open("leases", options.path, Database::Access::read_write));
    // FULL: a token that was given out is not given out again after a power failure.
    MEDIC_CHECK(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
    MEDIC_CHECK(
        database.execute("CREATE TABLE IF NOT EXISTS lease (cluster TEXT PRIMARY KEY, holder TEXT NOT NULL, boot "
                         "TEXT NOT NULL, token INTEGER NOT NULL, until_ms INTEGER NOT NULL)"));
    return std::unique_ptr<LeaseStore>(new FileLeases(std::move(options), std::move(database)));
}

}  // namespace medic
