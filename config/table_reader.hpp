#pragma once
#include "config/error_list.hpp"
#include "config/values.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace tidemark::config
{
// The whole file; the one error has its place.
[[nodiscard]] Result<toml::table, ConfigErrors> parse_toml(std::string_view text,
                                                           std::string_view file);

// Reads one table of a file. Each call names a key that may stand there, so finish() knows every
// other as a mistake. A key that is absent leaves its setting alone; one that is wrong is reported
// and leaves it alone too.
class TableReader
{
  public:
    // `name` is the table's dotted name, "" for the top. All is borrowed.
    TableReader(const toml::table& table, std::string name, std::string_view file,
                ErrorList& errors);

    void number(std::string_view key, NumberRange range, std::uint32_t& into);
    void size(std::string_view key, SizeRange range, std::uint64_t& into);
    void duration(std::string_view key, DurationRange range, Millis& into);
    void duration(std::string_view key, DurationRange range, Seconds& into); // whole seconds only
    void flag(std::string_view key, bool& into);

    // How one text, or each text of a list, is understood: `read(const ValueReader&, text, into)`,
    // mostly a member of ValueReader.
    template <class Read, class Into>
    void text(std::string_view key, std::string_view expected, Read read, Into& into)
    {
        if (const toml::node* node = take(key))
            if (const auto value = text_at(*node, key, expected))
                std::invoke(read, reader_at(*node, key), *value, into);
    }
    // A list replaces what `into` held.
    template <class Read, class Item>
    void texts(std::string_view key, std::string_view expected, Read read, std::vector<Item>& into)
    {
        const toml::array* list = array_at(key, expected);
        if (list == nullptr) return;
        into.clear();
        for (const toml::node& node : *list)
            if (const auto value = text_at(node, key, expected))
                std::invoke(read, reader_at(node, key), *value, into);
    }

    void table(std::string_view key, const std::function<void(TableReader&)>& read);  // [key]
    void tables(std::string_view key, const std::function<void(TableReader&)>& read); // [[key]]

    // Every key that nobody asked for is an error.
    void finish();

    [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
    // There and no empty list: what it holds may still be wrong.
    [[nodiscard]] bool says_something(std::string_view key) const;
    // Of the key's value; of the table where it is absent.
    [[nodiscard]] Place place_of(std::string_view key) const;
    [[nodiscard]] Place place() const { return place_at(table_); }
    [[nodiscard]] ErrorList& errors() noexcept { return errors_; }

  private:
    const toml::node* take(std::string_view key);
    const toml::array* array_at(std::string_view key, std::string_view expected);
    [[nodiscard]] std::optional<std::string_view>
    text_at(const toml::node& node, std::string_view key, std::string_view expected);
    void refuse_type(const toml::node& node, std::string_view key, std::string_view expected);
    void read_child(const toml::node& node, std::string_view key,
                    const std::function<void(TableReader&)>& read);
    [[nodiscard]] Place place_at(const toml::node& node) const;
    [[nodiscard]] std::string name_of(std::string_view key) const;
    [[nodiscard]] ValueReader reader_at(const toml::node& node, std::string_view key) const
    {
        return ValueReader{errors_, place_at(node), name_of(key)};
    }

    const toml::table& table_;
    std::string name_;
    std::string_view file_;
    ErrorList& errors_;
    std::vector<std::string_view> known_;
};
} // namespace tidemark::config
