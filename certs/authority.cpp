#include "certs/authority.hpp"

#include "certs/files.hpp"
#include "certs/x509.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace tidemark::certs
{
namespace
{
constexpr std::size_t kNameBytesMax = 63;
constexpr std::string_view kOrigin = "origin";
constexpr Seconds kDay{86'400};
constexpr Seconds kCaLife = kDay * 3652; // ten years
constexpr Seconds kLeafLife = kDay * 398;
constexpr Seconds kClockSlack{3600}; // another machine's clock may be behind
constexpr unsigned kPublic = 0644;
constexpr unsigned kPrivate = 0600;

bool is_plain(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, [](char c) {
        const char l = to_lower(c);
        return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'z') || c == '-' || c == '_' || c == '.';
    });
}

std::string role_of(std::string_view name)
{
    return name == kOrigin ? "origin" : "edge";
}

// The folder of one CA, read and changed as a whole.
class Folder
{
  public:
    explicit Folder(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] Result<void, std::string> open();
    [[nodiscard]] Result<void, std::string> create(WallTime now);
    [[nodiscard]] Result<void, std::string> read_issued();
    [[nodiscard]] Result<void, std::string> issue(Names names, WallTime now);
    [[nodiscard]] Result<void, std::string> revoke(std::string_view name, WallTime now);

    [[nodiscard]] bool has_valid(std::string_view name) const;
    [[nodiscard]] bool knows(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> valid_names() const;
    [[nodiscard]] std::vector<Issued>& issued() noexcept { return issued_; }

  private:
    [[nodiscard]] std::string file(std::string_view name) const
    {
        return path_ + "/" + std::string(name);
    }
    [[nodiscard]] Result<void, std::string> write_issued() const;
    [[nodiscard]] Result<void, std::string> write_list(const std::vector<std::string>& more_serials,
                                                       WallTime now);

    std::string path_;
    Holder ca_;
    RevocationList revoked_;
    std::vector<Issued> issued_;
};

auto no_random(const std::string& path)
{
    return fail(path + ": the library could make no key or certificate");
}

// A line of issued.txt: "SERIAL ROLE NAME EXPIRES", the last in seconds since 1970.
Result<Issued, std::string> read_line(std::string_view line)
{
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const std::size_t space = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, space));
        line.remove_prefix(std::min(space + 1, line.size()));
    }
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
    const auto expires = words.size() == 4 ? parse_decimal(words[3]) : std::nullopt;
    constexpr std::uint64_t kTimeMax = 253'402'300'799; // the end of the year 9999
    if (!expires || *expires > kTimeMax || words[0].empty() || words[0].size() > 40 ||
        !std::ranges::all_of(words[0], hex) || !is_plain(words[1]) || !is_plain(words[2]))
        return fail(std::string("expected SERIAL ROLE NAME EXPIRES"));
    return Issued{std::string(words[2]), std::string(words[1]), std::string(words[0]),
                  wall_time_of(Seconds{static_cast<std::int64_t>(*expires)})};
}

Result<void, std::string> Folder::read_issued()
{
    const auto text = read_file(file("issued.txt"));
    if (!text) return fail(text.error());
    const auto list = read_file(file("crl.pem"));
    if (!list) return fail(list.error());
    revoked_ = read_list(*list);
    if (!revoked_) return fail(file("crl.pem") + ": holds no revocation list in PEM");
    const auto gone = serials_of(*revoked_);

    std::string_view rest = *text;
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        auto one = read_line(rest.substr(0, end));
        if (!one)
            return fail(file("issued.txt") + ":" + std::to_string(number) + ": " + one.error());
        one->revoked = gone.contains(one->serial);
        for (Issued& older : issued_)
            older.replaced = older.replaced || older.name == one->name;
        issued_.push_back(*std::move(one));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

Result<void, std::string> Folder::open()
{
    const auto certificate = read_file(file("ca.pem"));
    if (!certificate) return fail(certificate.error() + " (tidemark certs init makes a CA)");
    const auto key = read_file(file("ca.key"));
    if (!key) return fail(key.error());
    ca_ = {read_certificate(*certificate), read_key(*key)};
    if (!ca_.certificate) return fail(file("ca.pem") + ": holds no certificate in PEM");
    if (!ca_.key) return fail(file("ca.key") + ": holds no private key in PEM");
    if (X509_check_private_key(ca_.certificate.get(), ca_.key.get()) != 1)
        return fail(file("ca.key") + ": is not the key of ca.pem");
    return read_issued();
}

Result<void, std::string> Folder::create(WallTime now)
{
    for (const char* name : {"ca.pem", "ca.key"})
        if (::access(file(name).c_str(), F_OK) == 0)
            return fail(file(name) +
                        ": there is a CA already; tidemark certs add and renew use it");
    ca_.key = make_key();
    if (ca_.key) ca_.certificate = make_ca(*ca_.key, {now - kClockSlack, now + kCaLife});
    if (!ca_.certificate) return no_random(path_);
    return write_file(file("ca.key"), pem_of(*ca_.key), kPrivate)
        .and_then([&] { return write_file(file("ca.pem"), pem_of(*ca_.certificate), kPublic); })
        .and_then([&] { return write_issued(); })
        .and_then([&] { return write_list({}, now); });
}

Result<void, std::string> Folder::write_issued() const
{
    std::string text;
    for (const Issued& one : issued_) {
        text += one.serial + " " + one.role + " " + one.name + " ";
        append_decimal(text, since_epoch(one.expires).count());
        text += '\n';
    }
    return write_file(file("issued.txt"), text, kPublic);
}

Result<void, std::string> Folder::write_list(const std::vector<std::string>& more_serials,
                                             WallTime now)
{
    auto list = make_list(ca_, revoked_.get(), more_serials, now);
    if (!list) return no_random(path_);
    revoked_ = std::move(list);
    return write_file(file("crl.pem"), pem_of(*revoked_), kPublic);
}

// All are entered before the first is written: what exists can be revoked.
Result<void, std::string> Folder::issue(Names names, WallTime now)
{
    const WallTime ends = std::min(now + kLeafLife, expiry_of(*ca_.certificate));
    std::vector<Holder> made;
    for (const std::string& name : names) {
        Holder leaf{nullptr, make_key()};
        if (leaf.key)
            leaf.certificate =
                make_leaf(ca_, *leaf.key, {role_of(name), name}, {now - kClockSlack, ends});
        if (!leaf.certificate) return no_random(path_);
        issued_.push_back({name, role_of(name), serial_of(*leaf.certificate), ends});
        made.push_back(std::move(leaf));
    }
    if (auto entered = write_issued(); !entered) return entered;
    for (std::size_t i = 0; i < made.size(); ++i) {
        const std::string path = file(names[i]);
        auto written = write_file(path + ".key", pem_of(*made[i].key), kPrivate).and_then([&] {
            return write_file(path + ".pem", pem_of(*made[i].certificate), kPublic);
        });
        if (!written) return written;
    }
    return {};
}

Result<void, std::string> Folder::revoke(std::string_view name, WallTime now)
{
    std::vector<std::string> serials;
    for (const Issued& one : issued_)
        if (one.name == name && !one.revoked) serials.push_back(one.serial);
    return write_list(serials, now);
}

bool Folder::knows(std::string_view name) const
{
    return std::ranges::any_of(issued_, [&](const Issued& one) { return one.name == name; });
}

bool Folder::has_valid(std::string_view name) const
{
    return std::ranges::any_of(issued_,
                               [&](const Issued& one) { return one.name == name && !one.revoked; });
}

std::vector<std::string> Folder::valid_names() const
{
    std::vector<std::string> names;
    for (const Issued& one : issued_)
        if (!one.revoked && std::ranges::find(names, one.name) == names.end())
            names.push_back(one.name);
    return names;
}

Result<void, std::string> check_edge_names(Names names)
{
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (auto good = check_edge_name(names[i]); !good) return good;
        if (std::ranges::find(names.first(i), names[i]) != names.first(i).end())
            return fail("\"" + names[i] + "\" is there twice");
    }
    return {};
}

Result<void, std::string> make_folder(const std::string& path)
{
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
    return fail(path + ": cannot be made: " + std::strerror(errno));
}

// `change` on an opened folder that nobody else changes.
template <class Change> Result<void, std::string> changing(const std::string& path, Change change)
{
    const auto lock = FolderLock::take(path);
    if (!lock) return fail(lock.error());
    Folder folder(path);
    return folder.open().and_then([&] { return change(folder); });
}

Result<void, std::string> renew_in(Folder& folder, Names names, WallTime now)
{
    for (const std::string& name : names) {
        if (!folder.knows(name)) return fail("\"" + name + "\" has no certificate to renew");
        if (!folder.has_valid(name))
            return fail("\"" + name + "\" is revoked; tidemark certs add issues anew");
    }
    return folder.issue(names, now);
}
} // namespace

Result<void, std::string> check_edge_name(std::string_view name)
{
    if (!is_plain(name))
        return fail(std::string(
            "an edge's name has 1 to 63 letters, digits, '-', '_' and '.', and no more"));
    for (const std::string_view taken : {kOrigin, std::string_view("ca"), std::string_view("crl")})
        if (name == taken) return fail("\"" + std::string(name) + "\" is no name for an edge");
    return {};
}

Result<void, std::string> init(const std::string& path, Names edges, WallTime now)
{
    if (auto good = check_edge_names(edges); !good) return good;
    if (auto made = make_folder(path); !made) return made;
    const auto lock = FolderLock::take(path);
    if (!lock) return fail(lock.error());
    std::vector<std::string> names{std::string(kOrigin)};
    names.insert(names.end(), edges.begin(), edges.end());
    Folder folder(path);
    return folder.create(now).and_then([&] { return folder.issue(names, now); });
}

Result<void, std::string> add(const std::string& path, Names edges, WallTime now)
{
    if (auto good = check_edge_names(edges); !good) return good;
    return changing(path, [&](Folder& folder) -> Result<void, std::string> {
        for (const std::string& name : edges)
            if (folder.has_valid(name))
                return fail("\"" + name +
                            "\" has a certificate; tidemark certs renew makes it anew");
        return folder.issue(edges, now);
    });
}

Result<void, std::string> renew(const std::string& path, Names names, WallTime now)
{
    return changing(path, [&](Folder& folder) { return renew_in(folder, names, now); });
}

Result<void, std::string> renew_all(const std::string& path, WallTime now)
{
    return changing(path,
                    [&](Folder& folder) { return renew_in(folder, folder.valid_names(), now); });
}

Result<void, std::string> revoke(const std::string& path, std::string_view name, WallTime now)
{
    return changing(path, [&](Folder& folder) -> Result<void, std::string> {
        const std::string quoted_name =
            is_plain(name) ? "\"" + std::string(name) + "\"" : "that name";
        if (!folder.knows(name)) return fail(quoted_name + " has no certificate to revoke");
        if (!folder.has_valid(name)) return fail(quoted_name + " is revoked already");
        return folder.revoke(name, now);
    });
}

Result<std::vector<Issued>, std::string> list(const std::string& path)
{
    Folder folder(path);
    if (const auto read = folder.read_issued(); !read) return fail(read.error());
    return std::move(folder.issued());
}

Result<WallTime, std::string> expiry_of(const std::string& path)
{
    const auto text = read_file(path);
    if (!text) return fail(text.error());
    const Certificate certificate = read_certificate(*text);
    if (!certificate) return fail(path + ": holds no certificate in PEM");
    return expiry_of(*certificate);
}
} // namespace tidemark::certs
