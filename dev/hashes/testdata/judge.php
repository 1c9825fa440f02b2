<?php
// Makes hashes with PHP's own functions, and as WordPress 6.8 does, and checks hashes with them. See
// judge.py for the input.

// The pages of WordPress get a password from $_POST, where wp_magic_quotes has put slashes.
function wp_post(string $password): string {
    return addslashes($password);
}

function wp_prehash(string $password): string { // of wp_hash_password
    return base64_encode(hash_hmac('sha384', trim($password), 'wp-sha384', true));
}

// of wp_check_password: its caller wp_authenticate has trimmed the password
function wp_check(string $password, string $hash): bool {
    return password_verify(base64_encode(hash_hmac('sha384', trim($password), 'wp-sha384', true)), substr($hash, 3));
}

function known(string $hash, string $algorithm): bool {
    return password_get_info($hash)['algoName'] === $algorithm;
}

function check(string $name, string $password, string $hash): bool {
    return match ($name) {
        'PHP bcrypt' => known($hash, 'bcrypt') && password_verify($password, $hash),
        'PHP argon2id' => known($hash, 'argon2id') && password_verify($password, $hash),
        'WordPress' => str_starts_with($hash, '$wp') && known(substr($hash, 3), 'bcrypt') && wp_check(wp_post($password), $hash),
    };
}

$asked = json_decode(stream_get_contents(STDIN), true, 8, JSON_THROW_ON_ERROR);
$out = [];
if ($asked['do'] === 'make') {
    $out['PHP bcrypt'] = password_hash($asked['password'], PASSWORD_BCRYPT);
    $out['PHP argon2id'] = password_hash($asked['password'], PASSWORD_ARGON2ID);
    $out['WordPress'] = '$wp' . password_hash(wp_prehash(wp_post($asked['password'])), PASSWORD_BCRYPT);
} else {
    foreach ($asked['hashes'] as $name => $hash) {
        $out[$name] = [check($name, $asked['right'], $hash), check($name, $asked['wrong'], $hash)];
    }
}
echo json_encode($out, JSON_THROW_ON_ERROR);
