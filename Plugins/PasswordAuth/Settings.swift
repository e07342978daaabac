// SPDX-License-Identifier: Apache-2.0
// The keys below `authentication`, named and defaulted as EMQX has them.

import PluginKit

let passwordAuthSettings = Settings(
    [
        Setting(
            "authentication",
            .objects,
            default: "[]",
            flags: .reloadable,
            "Who is asked whether a client may connect, in this order."
        )
    ]
        + [
            Setting(
                "mechanism",
                .string,
                "The kind of credentials: password_based, or scram for MQTT 5's enhanced authentication."
            ),
            Setting("backend", .string.optional, "Where the users are: built_in_database."),
            Setting("enable", .bool, default: "true", "Whether this entry is asked."),
            Setting(
                "user_id_type",
                .oneOf("username", "clientid"),
                default: "username",
                "Which field of CONNECT names the user; for password_based."
            ),
            Setting(
                "bootstrap_file",
                .string.optional,
                "The users: a .csv or .json file, or one of `isthmus passwd` or mosquitto_passwd; a relative path counts from the directory the broker was started in. "
                    + "Without it, etc/auth-built-in-db-bootstrap.csv is read if it exists."
            ),
            Setting(
                "bootstrap_type",
                .oneOf("plain", "hash"),
                default: "plain",
                "Whether the file holds passwords or hashes of them."
            ),
            Setting("algorithm", .oneOf("sha256", "sha512"), default: "sha256", "The digest of scram."),
            Setting(
                "iteration_count",
                .int,
                default: "4096",
                "How many rounds make a password a key, for scram: done when the file is read, and by every client."
            ),
            Setting(
                "max_waiting_per_user",
                .int,
                default: "4",
                "How many passwords for one user may wait to be checked by a slow hash; further ones are refused (0x89)."
            ),
            Setting(
                "max_waiting_per_address",
                .int,
                default: "128",
                "The same for one address, or one /64 of IPv6."
            ),
            Setting("precondition", .string.optional, "Not supported: it must be absent or empty."),
            Setting(
                "password_hash_algorithm.name",
                .oneOf("plain", "md5", "sha", "sha256", "sha512", "bcrypt", "pbkdf2"),
                default: "sha256",
                "How passwords are hashed."
            ),
            Setting(
                "password_hash_algorithm.salt_position",
                .oneOf("prefix", "suffix", "disable"),
                default: "prefix",
                "Where the salt stands; for plain and the digests."
            ),
            Setting(
                "password_hash_algorithm.salt_rounds",
                .int,
                default: "10",
                "The cost of new bcrypt hashes; existing ones carry their own."
            ),
            Setting(
                "password_hash_algorithm.mac_fun",
                .string.optional,
                "The digest of pbkdf2: md4, md5, ripemd160, sha, sha224, sha256, sha384 or sha512."
            ),
            Setting("password_hash_algorithm.iterations", .int.optional, "The iterations of pbkdf2."),
            Setting(
                "password_hash_algorithm.dk_length",
                .int.optional,
                "The bytes of a pbkdf2 hash; without it, as many as the digest has."
            ),
        ].map { $0.below("authentication[].", flags: .reloadable) }
)
