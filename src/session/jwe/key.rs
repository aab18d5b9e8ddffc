//! A content encryption key, its schedules computed once.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_256, AES_CBC_IV_LEN, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{constant_time, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Buffer, Compact, Encryption, JweError};

const BLOCK: usize = 16;
/// A256CBC-HS512 keeps the first half of the HMAC (RFC 7518, section 5.2.5).
const CBC_TAG: usize = 32;
const GCM_TAG: usize = 16;

/// A key for one kind of encryption. The library zeroises what it keeps of it.
pub struct Key(Cipher);

enum Cipher {
    CbcHmac(Box<CbcHmac>),
    Gcm(Box<LessSafeKey>),
}

struct CbcHmac {
    mac: hmac::Key,
    decrypt: PaddedBlockDecryptingKey,
    encrypt: PaddedBlockEncryptingKey,
}

impl Key {
    /// # Errors
    /// [`JweError::Key`] unless the key is as long as the encryption asks.
    pub fn new(encryption: Encryption, key: &[u8]) -> Result<Self, JweError> {
        if key.len() != encryption.key_len() {
            return Err(JweError::Key);
        }
        let cipher = match encryption {
            Encryption::A256CbcHs512 => {
                let (mac, aes) = key.split_at(key.len() / 2);
                let aes = || UnboundCipherKey::new(&AES_256, aes);
                Cipher::CbcHmac(Box::new(CbcHmac {
                    mac: hmac::Key::new(hmac::HMAC_SHA512, mac),
                    decrypt: aes()
                        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
                        .map_err(|_| JweError::Key)?,
                    encrypt: aes()
                        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
                        .map_err(|_| JweError::Key)?,
                }))
            }
            Encryption::A256Gcm => {
                let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| JweError::Key)?;
                Cipher::Gcm(Box::new(LessSafeKey::new(key)))
            }
        };
        Ok(Self(cipher))
    }

    #[must_use]
    pub fn encryption(&self) -> Encryption {
        match self.0 {
            Cipher::CbcHmac(_) => Encryption::A256CbcHs512,
            Cipher::Gcm(_) => Encryption::A256Gcm,
        }
    }

    /// Decrypts the payload into `buffer`, whose former content is lost, and returns it.
    ///
    /// # Errors
    /// [`JweError::Malformed`] where a part is no strict base64url; [`JweError::Decryption`] for everything
    /// else, without telling a wrong tag from a wrong length.
    pub fn open<'b>(&self, token: &Compact<'_>, buffer: &'b mut Buffer) -> Result<&'b [u8], JweError> {
        let plaintext = match &self.0 {
            Cipher::CbcHmac(keys) => open_cbc(keys, token, buffer),
            Cipher::Gcm(key) => open_gcm(key, token, buffer),
        };
        plaintext.map(|bytes| &*bytes)
    }

    /// Encrypts a payload under a protected header, given as the base64url text that begins the token.
    ///
    /// # Errors
    /// [`JweError::Crypto`] when the library has no randomness to give.
    pub fn seal(&self, header: &str, payload: &[u8]) -> Result<String, JweError> {
        let mut text = payload.to_vec();
        let (iv, tag) = match &self.0 {
            Cipher::CbcHmac(keys) => seal_cbc(keys, header, &mut text),
            Cipher::Gcm(key) => seal_gcm(key, header, &mut text),
        }?;
        let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        Ok(format!("{header}..{}.{}.{}", encode(&iv), encode(&text), encode(&tag)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.encryption().name())
    }
}

fn open_cbc<'b>(
    keys: &CbcHmac,
    token: &Compact<'_>,
    buffer: &'b mut Buffer,
) -> Result<&'b mut [u8], JweError> {
    let iv: [u8; AES_CBC_IV_LEN] = decode_array(token.iv)?;
    let tag: [u8; CBC_TAG] = decode_array(token.tag)?;
    buffer.clear();
    append_decoded(token.ciphertext, buffer)?;
    if buffer.is_empty() || !buffer.len().is_multiple_of(BLOCK) {
        return Err(JweError::Decryption);
    }
    let expected = cbc_tag(&keys.mac, token.header, &iv, buffer);
    constant_time::verify_slices_are_equal(&expected, &tag).map_err(|_| JweError::Decryption)?;
    keys.decrypt
        .decrypt(buffer, DecryptionContext::Iv128(FixedLength::from(iv)))
        .map_err(|_| JweError::Decryption)
}

fn open_gcm<'b>(
    key: &LessSafeKey,
    token: &Compact<'_>,
    buffer: &'b mut Buffer,
) -> Result<&'b mut [u8], JweError> {
    let iv: [u8; NONCE_LEN] = decode_array(token.iv)?;
    let tag: [u8; GCM_TAG] = decode_array(token.tag)?;
    buffer.clear();
    append_decoded(token.ciphertext, buffer)?;
    buffer.extend_from_slice(&tag);
    let nonce = Nonce::assume_unique_for_key(iv);
    key.open_in_place(nonce, Aad::from(token.header), buffer).map_err(|_| JweError::Decryption)
}

type IvAndTag = (Vec<u8>, Vec<u8>);

fn seal_cbc(keys: &CbcHmac, header: &str, text: &mut Vec<u8>) -> Result<IvAndTag, JweError> {
    let context = keys.encrypt.encrypt(text).map_err(|_| JweError::Crypto)?;
    let iv: &[u8] = (&context).try_into().map_err(|_| JweError::Crypto)?;
    Ok((iv.to_vec(), cbc_tag(&keys.mac, header, iv, text).to_vec()))
}

fn seal_gcm(key: &LessSafeKey, header: &str, text: &mut [u8]) -> Result<IvAndTag, JweError> {
    let mut iv = [0; NONCE_LEN];
    rand::fill(&mut iv).map_err(|_| JweError::Crypto)?;
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), text).map_err(|_| JweError::Crypto)?;
    Ok((iv.to_vec(), tag.as_ref().to_vec()))
}

/// The tag over header, IV, ciphertext and the header's length in bits (RFC 7518, section 5.2.2.1).
fn cbc_tag(mac: &hmac::Key, header: &str, iv: &[u8], ciphertext: &[u8]) -> [u8; CBC_TAG] {
    let mut context = hmac::Context::with_key(mac);
    context.update(header.as_bytes());
    context.update(iv);
    context.update(ciphertext);
    context.update(&(header.len() as u64 * 8).to_be_bytes());
    // An HMAC-SHA-512 has 64 bytes, of which the first half is the tag.
    context.sign().as_ref().first_chunk().copied().unwrap_or_default()
}

/// Decodes a part whose length is known: too short is as wrong as too long.
fn decode_array<const N: usize>(part: &str) -> Result<[u8; N], JweError> {
    let mut bytes = [0; N];
    if part.len() != (N * 8).div_ceil(6) {
        return Err(JweError::Decryption);
    }
    match URL_SAFE_NO_PAD.decode_slice(part, &mut bytes) {
        Ok(written) if written == N => Ok(bytes),
        _ => Err(JweError::Malformed),
    }
}

fn append_decoded(part: &str, buffer: &mut Buffer) -> Result<(), JweError> {
    buffer.resize(part.len() / 4 * 3 + 3, 0);
    let written = URL_SAFE_NO_PAD.decode_slice(part, buffer).map_err(|_| JweError::Malformed)?;
    buffer.truncate(written);
    Ok(())
}
